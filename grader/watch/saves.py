"""Notices saves below a path, in a thread of its own, so that a save does not wait for a long check.

An editor may write a file in steps, or replace it. So a file that is gone, empty or cut off is read again a moment
later. If it still is not Python, its former content stays, and the watch says why.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import watchfiles

from grader.errors import SubmissionError, UsageError
from grader.files import half
from grader.intake import helpers
from grader.intake.archive import is_junk
from grader.intake.choice import digest
from grader.intake.repair import cut_off
from grader.model import Submission
from grader.watch import dependencies

Told = TypeVar("Told")

QUIET = 10  # milliseconds without a save that end a burst
BURST = 400  # milliseconds that a burst may last
LOOK = 500  # milliseconds between two looks at the path itself, which may lead to another folder now
SETTLE = 0.2  # seconds until a file that looks half written is read again
POLL = 0.2  # seconds between two looks for a path that is gone


@dataclass(frozen=True)
class Work:
    """The newest readable content of each file, and a sentence for each file whose newer content cannot be read.

    `at` is the time.monotonic() at which it was noticed.
    """

    submission: Submission
    problems: tuple[str, ...]
    at: float


class Saves:
    """Use as a context manager. The thread calls `on_save` when there is other work to grade.

    `ours` are files that the grader writes, perhaps into the watched folder; they are ignored.
    """

    def __init__(
        self, path: Path, read: Callable[[], Submission], on_save: Callable[[], None], ours: Collection[Path] = ()
    ) -> None:
        self.path = path.absolute()
        self.read = read
        self.on_save = on_save
        whole = {place for one in ours for place in (one.absolute(), one.resolve())}
        self.ours = whole | {half(place) for place in whole}
        self.work = Work(read(), (), time.monotonic())
        self.error: Exception | None = None
        self.saved, self.ended = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.listen, daemon=True)

    def __enter__(self) -> Saves:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ended.set()
        self.thread.join()

    def wait(self) -> None:
        """Return when the work has changed. Raises the exception that ended the thread, such as UsageError."""
        while not self.saved.wait(POLL):  # Windows lets nobody interrupt a longer wait
            pass
        self.saved.clear()
        if self.error is not None:
            raise self.error

    def listen(self) -> None:
        try:
            while not self.ended.is_set():
                self.follow()
        except Exception as error:  # the thread that waits tells it
            self.error = error
        finally:
            self.saved.set()

    def follow(self) -> None:
        """Look at each save until the path is gone, or leads to something else."""
        folder, below, found = target = self.target()
        if found is None:
            self.look()
            self.ended.wait(POLL)
            return
        first = True
        with held(folder):
            for saved in self.noticed(folder, below):
                if saved or first or polled():  # a save before the first was not noticed
                    self.look()
                first = False
                if self.target() != target:
                    return

    def noticed(self, folder: Path, below: bool) -> Iterator[bool]:
        """True after each burst of saves, False after each LOOK without one. Raises UsageError."""
        try:
            for changes in watchfiles.watch(
                folder,
                watch_filter=self.counts,
                recursive=below,
                step=QUIET,
                debounce=BURST,
                rust_timeout=LOOK,
                yield_on_timeout=True,
                stop_event=self.ended,
                raise_interrupt=False,
            ):
                yield bool(changes)
        except FileNotFoundError:
            return  # it has just gone
        except (OSError, RuntimeError) as error:
            raise UsageError(
                f"{self.path} cannot be watched ({error}); name a smaller folder, or set WATCHFILES_FORCE_POLLING=1"
            ) from None

    def target(self) -> tuple[Path, bool, tuple[int, int] | None]:
        """The folder to watch, whether its sub-folders count, and its device and inode (None if it is gone).

        An archive or a single file is watched through its folder, because a save may replace it.
        """
        below = self.path.is_dir()
        folder = self.path if below else self.path.parent
        try:
            found = folder.stat()
        except OSError:
            return folder, below, None
        return folder, below, (found.st_dev, found.st_ino)

    def counts(self, change: watchfiles.Change, name: str) -> bool:
        """Whether a path may belong to the work. What programs keep for themselves, such as checkpoints, does not."""
        path = Path(name)
        if path in self.ours:
            return False
        if not self.path.is_dir():
            return path.name == self.path.name
        parts = path.relative_to(self.path).parts if path.is_relative_to(self.path) else (path.name,)
        return not any(map(is_junk, parts))

    def look(self) -> None:
        """Read the work, and tell the other thread if it has changed."""
        at = time.monotonic()
        work = self.there(at)
        if work.problems or lost(self.work.submission, work.submission):
            self.ended.wait(SETTLE)
            work = self.there(at)
        before, self.work = self.work, work
        if dependencies.changed(before.submission, work.submission):
            self.on_save()
        elif work.problems == before.problems:
            return
        self.saved.set()

    def there(self, at: float) -> Work:
        before = self.work.submission
        try:
            now = self.read()
        except SubmissionError as error:
            return Work(before, (str(error),), at)
        broken = {
            name: cut_off(now.files[name], name) for name in dependencies.changed(before, now) if name in now.files
        }
        kept = sorted(name for name, why in broken.items() if why and name in before.files and whole(name, before))
        why = {name: now.faults.get(name) or now.questions.get(name) or broken[name] for name in kept}
        told = tuple(f"{why[name]}; graded again when it can be read" for name in kept)
        return Work(with_former(now, before, kept), told, at)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """While a folder is open, none that takes its place gets its inode. Where folders cannot be opened, nothing."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        os.close(opened)


def polled() -> bool:
    """Whether the user has watchfiles poll. It misses a second save within one second."""
    return os.environ.get("WATCHFILES_FORCE_POLLING", "").lower() not in ("", "false", "disable", "disabled")


def lost(before: Submission, now: Submission) -> bool:
    """Whether a file that was there is gone or empty."""
    return any(content.strip() and not now.files.get(name, b"").strip() for name, content in before.files.items())


def whole(name: str, submission: Submission) -> bool:
    return not cut_off(submission.files[name], name)


def with_former(now: Submission, before: Submission, names: Collection[str]) -> Submission:
    """The submission, with some files as they were before."""
    if not names:
        return now
    files = {**now.files, **{name: before.files[name] for name in names}}
    own = former(now.helpers, before.helpers, names)
    return replace(
        now,
        files=files,
        helpers=own,
        faults=former(now.faults, before.faults, names),
        questions=former(now.questions, before.questions, names),
        digest=digest(files | helpers.flat(own)),
    )


def former(now: Mapping[str, Told], before: Mapping[str, Told], names: Collection[str]) -> dict[str, Told]:
    kept = {name: value for name, value in now.items() if name not in names}
    return kept | {name: before[name] for name in names if name in before}
