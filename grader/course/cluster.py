"""A Dask cluster that grades. Submissions travel as bytes: machines need no shared disk, only the same version of
this package."""

from __future__ import annotations

import logging
import re
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

from grader.errors import UsageError

ADDRESS = re.compile(r"((tcp|tls|ws|wss|ucx)://)?[^/\s]+:\d+/?")
WAIT = 30.0  # seconds for a scheduler to answer


class Cluster:
    """The workers of the scheduler at `address`; they may come and go. Raises UsageError if it cannot be reached."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ModuleNotFoundError:
            raise UsageError(
                "a cluster needs Dask; type: python -m pip install -e '.[cluster]', here and on its machines"
            ) from None
        if not ADDRESS.fullmatch(address):  # Dask would end in a traceback after a minute
            raise UsageError(f"{address} is not the address of a scheduler; write it as tcp://HOST:8786")
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # this class reports these errors itself
        self.address = address
        self.distributed: Any = distributed
        self.client: Any = None
        self.executor: Executor | None = None

    @property
    def width(self) -> int:
        """The number of threads of all workers at the moment."""
        if self.client is None:
            return 0
        try:
            return sum(self.client.nthreads().values())
        except OSError:
            raise UsageError(
                f"the Dask scheduler at {self.address} is gone; restart it and its workers, then continue with --resume"
            ) from None

    def start(self) -> Executor:
        self.stop()
        try:
            self.client = self.distributed.Client(self.address, timeout=WAIT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {self.address} ({error}); start one with `dask scheduler`, and workers "
                "with `dask worker ADDRESS --nthreads 1`, then continue with --resume"
            ) from None
        # Not pure, so that Dask does not reuse an old result.
        executor: Executor = self.client.get_executor(pure=False)
        self.executor = executor
        return executor

    def stop(self) -> None:
        if self.executor is not None:
            self.executor.shutdown(wait=False)  # this cancels running jobs
        if self.client is not None:
            with suppress(OSError):  # the scheduler is gone
                self.client.close()
        self.executor = self.client = None
