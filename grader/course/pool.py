"""Processes on this machine that grade: one BLAS thread each. They end with the batch, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from grader.sandbox.launch import ONE_THREAD, ROOT

P = ParamSpec("P")
T = TypeVar("T")


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
        os.environ.update(environment())
        context = multiprocessing.get_context("forkserver" if sys.platform.startswith("linux") else "spawn")
        if sys.platform.startswith("linux"):
            context.set_forkserver_preload(["grader.course.job"])  # imported once, on one thread, and forked from there
        theirs, self.lifeline = context.Pipe(duplex=False)
        self.executor = ThroughFiles(self.width, context, prepare, (theirs, str(self.scratch)), scratch=self.scratch)
        return self.executor

    def stop(self) -> None:
        if self.lifeline is not None:
            self.lifeline.close()
        if self.executor is not None:
            self.executor.shutdown(cancel_futures=True)
        self.executor = self.lifeline = None


def environment() -> dict[str, str]:
    """What the processes inherit: one thread of arithmetic, and where modules are found.

    multiprocessing starts them with `python -c`, which looks into the current folder first: there a class may lie, with
    a student's numpy.py in it, or another checkout of this project.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = dict.fromkeys([str(ROOT), *filter(None, given)])
    return ONE_THREAD | {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path)}


class ThroughFiles(ProcessPoolExecutor):
    """A pool whose jobs and answers lie in files below `scratch`, so that only their names go through its pipes.

    A name is written whole or not at all. Of a longer answer half may be there when its process is killed, and the pool
    would wait for the rest for ever.
    """

    def __init__(self, *options: Any, scratch: Path) -> None:
        super().__init__(*options)
        self.scratch = scratch

    def submit(self, work: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        answer: Future[T] = Future()
        told = super().submit(carry_out, put(self.scratch, partial(work, *args, **named)))
        told.add_done_callback(partial(hand_on, answer))
        return answer


def put(folder: str | Path | None, value: object) -> str:
    """The name of a new file that holds a value."""
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        pickle.dump(value, file)
    return name


def take(name: str) -> Any:
    """What `put` laid there; the file is gone."""
    path = Path(name)
    value = pickle.loads(path.read_bytes())
    path.unlink()
    return value


def carry_out(job: str) -> str:
    """In a process of the pool: do a job, and name the file with its answer, or with what it raised."""
    work = take(job)
    outcome: tuple[Any, Exception | None]
    try:
        outcome = (work(), None)
    except Exception as error:
        outcome = (None, error)
    return put(None, outcome)


def hand_on(answer: Future[Any], told: Future[str]) -> None:
    try:
        result, error = take(told.result())
    except Exception as failed:  # the process ended, or the job was cancelled
        result, error = None, failed
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


def prepare(lifeline: Connection, scratch: str) -> None:
    """A worker's first act. It ends when the other end of `lifeline` closes: the batch stopped it, or was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the batch's to handle
    tempfile.tempdir = scratch
    threading.Thread(target=watch, args=(lifeline,), daemon=True).start()


def watch(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)
