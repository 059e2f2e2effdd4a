"""Only one run at a time may use a folder. A second run is refused, and its message names the first.

The operating system holds the lock, so it ends with its process, even if that is killed. The text in the file is for
people. It also names the folder for temporary files, so that the next run can delete it after a run was killed.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from grader.errors import UsageError
from grader.files import remove

FILE = "running.lock"
PREFIX = "backgrade-batch-"


@contextmanager
def claim(folder: Path) -> Iterator[Path]:
    """Lock the folder, and make a temporary folder for the run. Raises UsageError that names the run with the lock."""
    path = folder / FILE
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror}); make its folder writable") from None
    with file:
        before = holder(file)
        try:
            lock(file)
        except OSError:
            pid, host, since = (before.get(key, "?") for key in ("pid", "host", "since"))
            raise UsageError(
                f"{folder} is in use by another run (process {pid} on {host}, since {since}); wait for it, or choose "
                "another folder with --out"
            ) from None
        forget(before)
        scratch = temporary()
        since = datetime.now().astimezone().isoformat(" ", "seconds")
        try:
            write(file, {"pid": os.getpid(), "host": platform.node(), "since": since, "scratch": str(scratch)})
            yield scratch
            write(file, {})
        finally:
            remove(scratch)


def running(folder: Path) -> bool:
    """Whether the run that the text names is alive on this machine: its process may have gone, and another one may have
    its number now. The lock is not tried: meanwhile, no run could start."""
    import psutil

    try:
        with (folder / FILE).open(encoding="utf-8") as file:
            told = holder(file)
        since = datetime.fromisoformat(told["since"]).timestamp() + 1  # it is written without its fraction
        return bool(told["host"] == platform.node() and psutil.Process(told["pid"]).create_time() < since)
    except (OSError, KeyError, TypeError, ValueError, OverflowError, psutil.Error):
        return False


def temporary() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as error:
        raise UsageError(f"cannot write temporary files ({error.strerror}); free some space or set TMPDIR") from None


def lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(1 << 20)  # beyond the text, so that others can read it
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def holder(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    try:
        told = json.loads(file.read() or "{}")
    except (ValueError, OSError, RecursionError):
        told = {}
    return told if isinstance(told, dict) else {}


def write(file: IO[str], told: dict[str, Any]) -> None:
    try:
        file.seek(0)
        file.truncate()
        file.write(json.dumps(told))
        file.flush()
    except OSError as error:
        raise UsageError(f"cannot write {file.name} ({error.strerror}); free some space on its disk") from None


def forget(before: dict[str, Any]) -> None:
    """Remove the temporary folder of a killed run, but only one with our prefix, in our place, from this machine."""
    scratch = Path(str(before.get("scratch", "")))
    ours = scratch.name.startswith(PREFIX) and scratch.parent == Path(tempfile.gettempdir())
    if ours and before.get("host") == platform.node():
        remove(scratch)
