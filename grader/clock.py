"""Limits how long a homework's own code computes in the grader's process, and says where it was interrupted."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import NoReturn

from grader.model import Item, Limits

AGAIN = 1.0  # seconds until it is raised again, should the code have caught it
RUNS = 2  # an item with a `budget` trains once or twice, and a check computes beside that


class Endless(BaseException):
    """A check, or the import of its file, computes for longer than it may. Its own `except Exception` is no way out."""


def seconds_of(limits: Limits, item: Item | None = None) -> float:
    """CPU seconds of this process that a check, or an import of its file, may take: as much as a whole submission."""
    budget = item.settings.get("budget", 0.0) if item else 0.0
    return limits.submission_cpu + limits.check_wall + RUNS * budget


@contextmanager
def clock(what: str, seconds: float) -> Iterator[None]:
    """Raise Endless where the code inside computes for longer. A KeyboardInterrupt there says `what` it was in, unless
    the student's process was asked. Only a main thread has this clock, and not on Windows. `os._exit` becomes a
    SystemExit, which does not end the grader."""

    running, pid, leave = True, os.getpid(), os._exit

    def end(number: int, frame: FrameType | None) -> None:
        if running:
            raise Endless(f"{what} had computed for {seconds:g} s and did not end")

    def stay(status: int) -> NoReturn:
        if running and os.getpid() == pid and threading.current_thread() is threading.main_thread():
            raise SystemExit(f"{what} called os._exit({status})")
        leave(status)  # a fork of this process, or what watches over it, may end

    timed = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGVTALRM) if timed else None
    os._exit = stay
    try:
        if timed:
            signal.signal(signal.SIGVTALRM, end)
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds, AGAIN)
        yield
    except KeyboardInterrupt as stop:
        if timed:
            signal.setitimer(signal.ITIMER_REAL, 0)  # it arrived: see cli.py
        if asks(stop.__traceback__):
            raise
        raise KeyboardInterrupt(f"in {what}") from None
    finally:
        running, os._exit = False, leave
        if timed:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before or signal.SIG_DFL)


def is_running() -> bool:
    """Whether a homework's own code runs, by its clock."""
    return hasattr(signal, "SIGVTALRM") and callable(signal.getsignal(signal.SIGVTALRM))


def asks(traceback: TracebackType | None) -> bool:
    """Whether a student's process was being asked."""
    while traceback is not None:
        if str(traceback.tb_frame.f_globals.get("__name__")).startswith("grader.sandbox."):
            return True
        traceback = traceback.tb_next
    return False
