"""Files that the grader writes: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from grader.errors import UsageError


def check_place(path: Path) -> None:
    """Raise UsageError where `write` is sure to fail: better before long work than after it."""
    if not path.absolute().parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it, or name another place")
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; name a file in it")


def write(path: Path, content: str) -> None:
    """Write a text, over what was there, or leave what was there. Raises UsageError with the cure."""
    half = path.with_name(f".{path.name}.part")
    try:
        half.write_text(content, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror}); name another place for it") from None


def remove(folder: Path) -> None:
    """Delete a folder and all in it, however deep a hostile program has nested it; what cannot be deleted stays.

    Sub-folders are moved up one after another, so that no path grows long and nothing recurses. Links are not followed.
    """
    moved = 0
    while folders := emptied(folder):
        for path in folders:
            for inner in emptied(path):
                moved += 1
                with contextlib.suppress(OSError):
                    os.chmod(inner, 0o700)  # noqa: PTH101 - a folder that is moved has to be writable itself
                    os.rename(inner, os.path.join(folder, f"{moved}-{secrets.token_hex(4)}"))  # noqa: PTH104, PTH118
            try:
                os.rmdir(path)  # noqa: PTH106
            except OSError:
                return
    with contextlib.suppress(OSError):
        folder.rmdir()


def emptied(folder: Path | str) -> list[str]:
    """Delete the files of a folder; the paths of the folders in it."""
    folders = []
    with contextlib.suppress(OSError):
        os.chmod(folder, 0o700)  # noqa: PTH101 - it may have been made without any rights
        with os.scandir(folder) as listing:
            entries = list(listing)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108
    return folders
