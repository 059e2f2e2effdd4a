"""Processes on this machine to grade in: one BLAS thread each, gone when the batch is, whatever ends it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from grader.launch import ONE_THREAD


class Workers(Protocol):
    """Where a batch finds its executor."""

    @property
    def width(self) -> int:
        """How many jobs it works on at a time."""

    def start(self) -> Executor:
        """A fresh one, also after one that broke."""

    def stop(self) -> None:
        """End what was started, and with it the jobs that still run."""


class Pool:
    """`width` processes of this machine, their temporary files below `scratch`."""

    def __init__(self, width: int, scratch: Path) -> None:
        self.width = width
        self.scratch = scratch
        self.executor: Executor | None = None
        self.lifeline: Connection | None = None

    def start(self) -> Executor:
        self.stop()
        os.environ.update(ONE_THREAD)  # inherited; a library reads it when it is first imported
        context = multiprocessing.get_context("forkserver" if sys.platform.startswith("linux") else "spawn")
        if sys.platform.startswith("linux"):
            context.set_forkserver_preload(["grader.bench"])  # imported once, on one thread, and forked from there
        theirs, self.lifeline = context.Pipe(duplex=False)
        self.executor = ProcessPoolExecutor(self.width, context, prepare, (theirs, str(self.scratch)))
        return self.executor

    def stop(self) -> None:
        if self.lifeline is not None:
            self.lifeline.close()
        if self.executor is not None:
            self.executor.shutdown(cancel_futures=True)
        self.executor = self.lifeline = None


def prepare(lifeline: Connection, scratch: str) -> None:
    """A worker's first act. It ends when the other end of `lifeline` closes: the batch stopped it, or was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the batch's to handle
    tempfile.tempdir = scratch
    threading.Thread(target=watch, args=(lifeline,), daemon=True).start()


def watch(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)
