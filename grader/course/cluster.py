"""A Dask cluster to grade in. Submissions travel as bytes: its machines share no disk, only this package's version."""

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
    """The workers of the scheduler at `address`; they may come and go. Raises UsageError where it cannot be reached."""

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ModuleNotFoundError:
            raise UsageError(
                "a cluster needs Dask; type: python -m pip install -e '.[cluster]', here and on its machines"
            ) from None
        if not ADDRESS.fullmatch(address):  # Dask would say so with a traceback, after a minute
            raise UsageError(f"{address} is no address of a scheduler; write it as tcp://HOST:8786")
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it tells of, our sentences do
        self.address = address
        self.distributed: Any = distributed
        self.client: Any = None
        self.executor: Executor | None = None

    @property
    def width(self) -> int:
        """Threads of all workers at this moment."""
        if self.client is None:
            return 0
        try:
            return sum(self.client.nthreads().values())
        except OSError:
            raise UsageError(
                f"the Dask scheduler at {self.address} is gone; start it and its workers again, and go on with --resume"
            ) from None

    def start(self) -> Executor:
        self.stop()
        try:
            self.client = self.distributed.Client(self.address, timeout=WAIT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {self.address} ({error}); start one with `dask scheduler`, and workers "
                "with `dask worker ADDRESS --nthreads 1`, then go on with --resume"
            ) from None
        # Not pure: a result that is not wanted any more must not stand in for one that is.
        executor: Executor = self.client.get_executor(pure=False)
        self.executor = executor
        return executor

    def stop(self) -> None:
        if self.executor is not None:
            self.executor.shutdown(wait=False)  # what is under way is cancelled
        if self.client is not None:
            with suppress(OSError):  # the scheduler is gone
                self.client.close()
        self.executor = self.client = None
