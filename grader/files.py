"""Files that the grader writes: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
from pathlib import Path

from grader.errors import UsageError

STANDARD_OUTPUT = Path("-")


def check_place(path: Path) -> None:
    """Raise UsageError where `write` is sure to fail: better before long work than after it."""
    if path == STANDARD_OUTPUT:
        return
    if not path.absolute().parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it, or name another place")
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; name a file in it")
    if not os.access(path if path.exists() and not path.is_file() else path.absolute().parent, os.W_OK):
        raise UsageError(f"cannot write {path}: its folder cannot be written to; name another place for it")


def write(path: Path, content: str | bytes) -> None:
    """Write a text or bytes, over what was there, or leave what was there. Raises UsageError with the cure.

    A link is followed, and anything but a file, such as a pipe or a device, is written to: neither is ever replaced.
    The file that this process prints to gets it as the next that is printed.
    """
    try:
        if is_output(path):
            sys.stdout.flush()
            sys.stdout.buffer.write(encoded(content))
            sys.stdout.flush()
        elif path.exists() and not path.is_file():
            path.write_bytes(encoded(content))
        else:
            replace(path.resolve(), content)
    except (OSError, RuntimeError) as error:  # RuntimeError is a link to itself
        why = error.strerror if isinstance(error, OSError) else "it is a link to itself"
        raise UsageError(f"cannot write {path} ({why}); name another place for it") from None


def append(path: Path, text: str) -> None:
    """Write a text behind what a file of another program's already holds. Raises UsageError with the cure."""
    try:
        with path.open("ab") as file:
            file.write(encoded(text))
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror}); name another place for it") from None


def is_output(path: Path) -> bool:
    """Whether "-", or a path such as /dev/stdout, leads to where this process prints."""
    if path == STANDARD_OUTPUT:
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return False


def encoded(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def set_aside(path: Path, content: bytes) -> Path | None:
    """Give a file that `write` would replace with something else another name: hand-in-1.zip, the first that is free.

    Its new path, or None where there was nothing to lose. Raises UsageError with the cure.
    """
    try:
        if not path.is_file() or path.read_bytes() == content:
            return None
        number = 1
        while (free := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
            number += 1
        return path.rename(free)
    except OSError as error:
        raise UsageError(f"cannot set {path} aside ({error.strerror}); name another place") from None


def replace(path: Path, content: str | bytes) -> None:
    half = path.with_name(f".{path.name}.part")
    try:
        half.write_bytes(encoded(content))
        if path.exists():
            shutil.copymode(path, half)
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise


def delete(path: Path) -> None:
    """Delete a file that we wrote. Raises UsageError with the cure."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot delete {path} ({error.strerror}); delete it, and start again") from None


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
