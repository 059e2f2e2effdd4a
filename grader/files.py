"""Writes files completely or not at all, and works in another folder than the current one."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.errors import UsageError

STANDARD_OUTPUT = Path("-")
# How the files that the grader writes begin, and nobody else's.
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';"""
XML = '<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="'
ZIP = re.compile(rb"PK\x03\x04.{6}\0\0!\0", re.DOTALL)  # the first member is dated 1980, at midnight


def check_place(path: Path, begins: str | re.Pattern[bytes] = "") -> None:
    """Raise UsageError if `write` would fail, so that the user knows before long work starts.

    Raise it, too, for a file that does not begin with `begins`, as what will be written does: it holds something else,
    such as a student's work. An empty file holds nothing.
    """
    if path == STANDARD_OUTPUT:
        return
    if not path.absolute().parent.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {path.parent}; make it, or choose another path")
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder; name a file in it")
    if not os.access(path if path.exists() and not path.is_file() else path.absolute().parent, os.W_OK):
        raise UsageError(f"cannot write {path}: you may not write to its folder; choose another path")
    if not begins or not path.is_file() or is_output(path) or not path.stat().st_size:
        return
    told = begins if isinstance(begins, re.Pattern) else re.compile(re.escape(begins.encode()))
    if not told.match(beginning(path)):
        raise UsageError(f"{path} holds something else, which would be lost; delete it, or choose another path")


def check_places(places: Iterable[tuple[Path | None, str]]) -> None:
    """`check_place` for each file that will be written, with how it begins. Raises UsageError if two are one file."""
    taken = set()
    for path, begins in places:
        if path is None:
            continue
        check_place(path, begins)
        file = path.resolve()
        if file in taken and (path.is_file() or not path.exists()):  # a device takes several
            raise UsageError(f"{path} is named for two files, and one would be lost; give each its own name")
        taken.add(file)


def expect_no_gradebook(path: Path) -> None:
    """Raise UsageError for a file that is never replaced: it holds what people decided."""
    if path.is_file() and beginning(path).startswith(b"SQLite format 3"):
        raise UsageError(f"{path} is a gradebook, which is not written over; choose another path")


def beginning(path: Path) -> bytes:
    """The first bytes of a file, without space before them; b"" if it cannot be read."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(200).lstrip()
    return b""


def write(path: Path, content: str | bytes) -> None:
    """Write text or bytes to `path`. If that fails, the old content stays, and UsageError says how to fix it.

    A link is followed; a pipe or a device is written to; neither is replaced. If `path` is where this process prints,
    the content is printed.
    """
    try:
        if is_output(path):
            sys.stdout.flush()
            sys.stdout.buffer.write(encoded(content))
            sys.stdout.flush()
        elif path.exists() and not path.is_file():
            path.write_bytes(encoded(content))
        else:
            expect_no_gradebook(path)
            replace(path.resolve(), content)
    except (OSError, RuntimeError) as error:  # RuntimeError is a link to itself
        why = error.strerror if isinstance(error, OSError) else "it is a link to itself"
        raise UsageError(f"cannot write {path} ({why}); choose another path") from None


def append(path: Path, text: str) -> None:
    """Write a text behind what a file of another program's already holds. Raises UsageError with the cure."""
    try:
        with path.open("ab") as file:
            file.write(encoded(text))
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror}); name another place for it") from None


def is_output(path: Path) -> bool:
    """Whether `path` is where this process prints: "-", or a path such as /dev/stdout."""
    if path == STANDARD_OUTPUT:
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(sys.stdout.fileno()))
    except (OSError, ValueError):
        return False


def printable(text: str) -> str:
    """The gate for text on its way into a file or a database: UTF-8 cannot hold a lone surrogate, which stands for a
    byte of a name that is none, so that is written out as \\udcff."""
    return text.encode("utf-8", "backslashreplace").decode()


def encoded(content: str | bytes) -> bytes:
    return printable(content).encode() if isinstance(content, str) else content


def set_aside(path: Path, content: str | bytes) -> Path | None:
    """Rename a file that `write` would replace with other content, to the first free name such as hand-in-1.zip.

    Returns its new path, or None if there is no such file. Raises UsageError if it cannot be renamed.
    """
    expect_no_gradebook(path)
    try:
        if not path.is_file() or is_output(path) or path.read_bytes() == encoded(content):
            return None
        number = 1
        while (free := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
            number += 1
        return path.rename(free)
    except OSError as error:
        raise UsageError(f"cannot rename {path} ({error.strerror}); choose another path") from None


def made_folder(path: Path) -> Path:
    """A folder for output, made if it is not there. Raises UsageError if that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot create {path} ({error.strerror}); choose another path with --out") from None
    return path


def replace(path: Path, content: str | bytes) -> None:
    part = half(path)
    try:
        part.unlink(missing_ok=True)  # what lies there may be a link of a student's, which would lead elsewhere
        part.write_bytes(encoded(content))
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def half(path: Path) -> Path:
    """The file beside it that `write` fills first."""
    return path.with_name(f".{path.name}.part")


def delete(path: Path) -> None:
    """Delete a file that the grader wrote. Raises UsageError if that fails."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot delete {path} ({error.strerror}); delete it yourself and run this again") from None


def remove(folder: Path) -> None:
    """Delete a folder with its contents, even if a hostile program nested it deeply. What cannot be deleted stays.

    Sub-folders are moved up one by one, so that paths stay short and nothing recurses. Links are not followed.
    """
    moved = 0
    while folders := emptied(folder):
        for path in folders:
            for inner in emptied(path):
                moved += 1
                with contextlib.suppress(OSError):
                    os.chmod(inner, 0o700)  # noqa: PTH101 - only a writable folder can be moved
                    os.rename(inner, os.path.join(folder, f"{moved}-{secrets.token_hex(4)}"))  # noqa: PTH104, PTH118
            try:
                os.rmdir(path)  # noqa: PTH106
            except OSError:
                return
    with contextlib.suppress(OSError):
        folder.rmdir()


def emptied(folder: Path | str) -> list[str]:
    """Delete the files in a folder; return the paths of its sub-folders."""
    folders = []
    with contextlib.suppress(OSError):
        os.chmod(folder, 0o700)  # noqa: PTH101 - it may have been made without permissions
        with os.scandir(folder) as listing:
            entries = list(listing)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)  # noqa: PTH108
    return folders


@contextlib.contextmanager
def inside(folder: str) -> Iterator[None]:
    """Work in this folder: what is in the current one may be a student's."""
    here = os.open(".", os.O_RDONLY) if hasattr(os, "fchdir") else Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(here)
        if isinstance(here, int):
            os.close(here)
