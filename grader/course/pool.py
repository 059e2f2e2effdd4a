"""Grading processes on this machine, with one BLAS thread each. They end with the batch, even if it is killed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from grader.errors import UsageError
from grader.sandbox.launch import ONE_THREAD, ROOT

P = ParamSpec("P")
T = TypeVar("T")
HOMEWORK = "BACKGRADE_HOMEWORK"  # the environment variable that names the folder to load; see ahead.py
MOST = 16  # processes for each core


def choose_width(jobs: int | None) -> int:
    """The number of processes: `jobs`, by default one per core. Raises UsageError for more than the machine carries."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs is {jobs}; it must be at least 1")
    if jobs is not None and jobs > MOST * cores:
        has = f"{cores} core{'s' * (cores > 1)}"
        raise UsageError(f"--jobs is {jobs}; this machine has {has}, so it must be at most {MOST * cores}")
    return jobs or cores


class Workers(Protocol):
    """A source of executors for a batch."""

    @property
    def width(self) -> int:
        """The number of jobs that run at a time."""

    def start(self) -> Executor:
        """A new executor. A broken one is replaced."""

    def stop(self) -> None:
        """Stop the executor and its running jobs."""


class Pool:
    """`width` processes on this machine, with temporary files below `scratch`. They find `homework` loaded."""

    def __init__(self, width: int, scratch: Path, homework: Path | None = None) -> None:
        self.width = width
        self.scratch = scratch
        self.homework = homework
        self.executor: Executor | None = None
        self.lifeline: Connection | None = None

    def start(self) -> Executor:
        self.stop()
        expect_short(tempfile.gettempdir())
        os.environ.update(environment() | {HOMEWORK: str(self.homework or "")})
        context = multiprocessing.get_context("forkserver" if sys.platform.startswith("linux") else "spawn")
        if sys.platform.startswith("linux"):
            context.set_forkserver_preload(["grader.course.ahead"])  # imported once; processes are forked after that
        theirs, self.lifeline = context.Pipe(duplex=False)
        self.executor = ThroughFiles(self.width, context, prepare, (theirs, str(self.scratch)), scratch=self.scratch)
        return self.executor

    def stop(self) -> None:
        if self.lifeline is not None:
            self.lifeline.close()
        if self.executor is not None:
            self.executor.shutdown(cancel_futures=True)
        self.executor = self.lifeline = None


def expect_short(folder: str) -> None:
    """Raises UsageError if the processes' socket cannot lie in `folder`: unix(7) has room for 107 characters."""
    if os.name == "posix" and len(os.fsencode(folder)) + len("/pymp-xxxxxxxx/listener-xxxxxxxx") > 107:
        raise UsageError(
            f"temporary files lie in {folder}, whose name is too long for a socket; set TMPDIR to a folder with a "
            "shorter one"
        )


def environment() -> dict[str, str]:
    """Environment variables of the processes: one arithmetic thread, and where to find modules.

    multiprocessing starts them with `python -c`, which would import from the current folder first. That folder may
    contain a student's numpy.py, or another checkout of this project.
    """
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = dict.fromkeys([str(ROOT), *filter(None, given)])
    return ONE_THREAD | {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path)}


class ThroughFiles(ProcessPoolExecutor):
    """A pool that passes jobs and answers as files below `scratch`; only file names go through its pipes.

    A file name is written in one piece. A longer answer may be cut in half when its process is killed, and then the
    pool would wait for the rest forever.
    """

    def __init__(self, *options: Any, scratch: Path) -> None:
        super().__init__(*options)
        self.scratch = scratch

    def submit(self, work: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        answer: Future[T] = Future()
        job = put(self.scratch, partial(work, *args, **named))
        try:
            with held_back():
                told = super().submit(carry_out, job)
        except (EOFError, ConnectionError) as error:  # what forks the processes has ended, as for want of memory
            raise BrokenProcessPool(f"no process can be forked ({type(error).__name__})") from error
        told.add_done_callback(partial(hand_on, answer))
        return answer


ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, "pthread_sigmask")]


@contextmanager
def held_back() -> Iterator[None]:
    """Let a signal that ends the batch wait while processes are started: one half started would say how it failed.

    The mask holds for this thread and for what it starts. Another thread may take the signal, and Python handles it in
    the main one: so there the handlers wait, too.
    """
    waiting: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    handlers = {one: signal.signal(one, lambda number, frame: waiting.append(number)) for one in ENDS if main}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS) if ENDS else set()
    try:
        yield
    finally:
        if ENDS:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for one in dict.fromkeys(waiting):
            signal.raise_signal(one)


def put(folder: str | Path | None, value: object) -> str:
    """Write a value to a new file; return the file's name."""
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "wb") as file:
        pickle.dump(value, file)
    return name


def take(name: str) -> Any:
    """Read a value that `put` wrote, and delete the file."""
    path = Path(name)
    value = pickle.loads(path.read_bytes())
    path.unlink()
    return value


def carry_out(job: str) -> str:
    """Run a job in a process of the pool; return the name of the file with its result or its exception."""
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
    """Set up a worker. It exits when the other end of `lifeline` closes, because the batch stopped it or was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch handles Ctrl-C
    if ENDS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    tempfile.tempdir = scratch
    threading.Thread(target=watch, args=(lifeline,), daemon=True).start()


def watch(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(1)
