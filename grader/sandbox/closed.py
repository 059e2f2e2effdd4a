"""Keeps the reference from files, processes and the network while it answers what a student's code may have chosen.

A text may be a path, and to load a file may run what is in it. Python tells each such act before it is done (PEP 578).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

ACTS = tuple("open os. shutil. socket. subprocess. pty. ctypes. sqlite3. mmap. winreg. urllib.".split())
WITH_PATHS = ("open", "os.listdir", "os.scandir", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
IMPORTS = ("<frozen importlib", "<frozen zipimport")  # os and codecs are frozen, too, and open what they are told to


class Act(PermissionError):
    """What the reference tried."""


class Closed:
    """What is refused: every act but those on files in `folder`, if there is one. `tried` are the refused ones."""

    def __init__(self, folder: str | None) -> None:
        self.folder = None if folder is None else os.path.realpath(folder)
        self.tried: list[str] = []

    def refuse(self, event: str, args: tuple[Any, ...]) -> None:
        """Raise Act. To import a module is no act: no value of a student's says which."""
        if sys._getframe(2).f_code.co_filename.startswith(IMPORTS):
            return
        if self.folder is not None and event in WITH_PATHS and isinstance(args[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(args[0]))
            if path == self.folder or path.startswith(self.folder + os.sep):
                return
        self.tried.append(event)
        raise Act(f"the reference may not do this here: {event}")


ACTIVE: ContextVar[Closed | None] = ContextVar("active", default=None)


@contextmanager
def closed(folder: str | None = None) -> Iterator[Closed]:
    """Refuse every act of this thread, but on files in `folder`. Who catches Act is found in `tried`."""
    listen()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to show one opens the file of the code that warns
        refusing = Closed(folder)
        before = ACTIVE.set(refusing)
        try:
            yield refusing
        finally:
            ACTIVE.reset(before)


@cache
def listen() -> None:
    """Hear of acts from now on. Python has no way to end this."""

    def hear(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(ACTS) and (refusing := ACTIVE.get()) is not None:
            refusing.refuse(event, args)

    sys.addaudithook(hear)
