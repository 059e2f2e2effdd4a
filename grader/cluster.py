"""A Dask cluster to grade in. Submissions travel as bytes: its machines share no disk, only this package's version."""

from __future__ import annotations

import re
from concurrent.futures import Executor
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
        self.address = address
        self.distributed: Any = distributed
        self.client: Any = None
        self.executor: Executor | None = None

    @property
    def width(self) -> int:
        """Threads of all workers at this moment."""
        return max(1, sum(self.client.nthreads().values())) if self.client is not None else 1

    def start(self) -> Executor:
        self.stop()
        try:
            self.client = self.distributed.Client(self.address, timeout=WAIT, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {self.address} ({error}); start one with `dask scheduler`, and workers "
                "with `dask worker ADDRESS --nthreads 1`"
            ) from None
        # Not pure: a result that is not wanted any more must not stand in for one that is.
        executor: Executor = self.client.get_executor(pure=False)
        self.executor = executor
        return executor

    def stop(self) -> None:
        if self.executor is not None:
            self.executor.shutdown(wait=False)  # what is under way is cancelled
        if self.client is not None:
            self.client.close()
        self.executor = self.client = None
