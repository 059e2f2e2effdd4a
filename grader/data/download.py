"""Fetches a data set's archive, resumes interrupted downloads, verifies the archive and unpacks it safely.

Unfinished files have another name beside the target, so that a target is always complete.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import shutil
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from io import FileIO
from pathlib import Path, PurePosixPath
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from grader.errors import UsageError

Progress = Callable[[int, int], None]  # bytes so far, bytes in all

BLOCK = 1 << 20
TIMEOUT = 30.0  # seconds without a byte
TRIES = 4  # failed connections in a row before giving up
PAUSE = 1.0  # seconds before the next attempt, times the number of failures
RANGE_BEYOND_END = 416


def fetch(
    url: str, target: Path, *, md5: str | None, size: int, on_progress: Progress = lambda done, total: None
) -> None:
    """Fetch a file of `size` bytes with this md5; if `md5` is None, any file of at most `size` bytes.

    It continues with what an earlier call left in TARGET or TARGET.part. Raises UsageError with the cure.
    """
    if md5 and target.is_file() and md5_of(target) == md5:
        return
    part = target.with_name(f"{target.name}.part")
    resumed = held(part) > 0
    with disk(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        transfer(url, part, size, exact=md5 is not None, on_progress=on_progress)
        found = md5_of(part)
        if md5 is not None and found != md5:
            part.unlink()
            if not resumed:
                raise UsageError(f"{url} is not the official file (md5 {found}, not {md5}); name another --url")
            fetch(url, target, md5=md5, size=size, on_progress=on_progress)  # the old .part may be of another file
        else:
            part.replace(target)


def transfer(url: str, part: Path, size: int, *, exact: bool, on_progress: Progress) -> None:
    """Fill `part`; connect again as long as that brings more bytes. Raises UsageError."""
    not_one = UsageError(f"{url} is not an address that starts with https:// or http://")
    if not url.startswith(("http://", "https://")):
        raise not_one
    if held(part) > size:
        part.unlink()
    failures = 0
    while not (exact and held(part) == size):
        before, reason = held(part), "the connection was cut"
        try:
            if stream(url, part, size, exact=exact, on_progress=on_progress):
                return
        except HTTPError as error:
            error.close()
            if error.code == RANGE_BEYOND_END and before:
                part.unlink()
            elif error.code < 500:
                raise UsageError(f"{url} answers {error.code} {error.reason}; name another --url") from None
            reason = f"{error.code} {error.reason}"
        except (OSError, HTTPException) as error:
            reason = str(getattr(error, "reason", None) or error or type(error).__name__)
        except ValueError:
            raise not_one from None
        failures = 0 if held(part) > before else failures + 1
        if failures == TRIES:
            kept = f"the {held(part):,} bytes so far are kept, so try again" if held(part) else "try again"
            raise UsageError(f"{url} cannot be fetched ({reason}); {kept}, or name another --url")
        time.sleep(PAUSE * failures)


def stream(url: str, part: Path, size: int, *, exact: bool, on_progress: Progress) -> bool:
    """Read from one connection. Return whether the file is complete. Raises what urllib raises, and UsageError."""
    begin = held(part)
    ask = Request(url, headers={"User-Agent": "backgrade"} | ({"Range": f"bytes={begin}-"} if begin else {}))
    with urlopen(ask, timeout=TIMEOUT) as response:
        if not response.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
            begin = 0  # a server that ignores ranges sends the whole file again
        announced = response.headers.get("Content-Length")
        total = begin + int(announced) if announced and announced.isdecimal() else None
        if total is not None and total > size:
            raise UsageError(f"{url} announces {total:,} bytes, more than the {size:,} expected; name another --url")
        so_far = begin
        with opened(part, begin) as file:
            for block in blocks(response):
                so_far += len(block)
                if so_far > size:
                    break
                put(file, block)
                on_progress(so_far, total or size)
    if so_far > size:
        part.unlink()
        raise UsageError(f"{url} sends more than the {size:,} bytes expected; name another --url")
    return not exact if total is None else so_far == total


def blocks(response: HTTPResponse) -> Iterator[bytes]:
    """Yield bytes as they arrive, so that nothing is lost when the connection is cut."""
    while block := response.read1(BLOCK):
        yield block


def opened(part: Path, begin: int) -> FileIO:
    """Open a file to continue at byte `begin`, or to start. Raises UsageError. Closing writes nothing."""
    with disk(part.parent):
        file = part.open("r+b" if begin else "wb", buffering=0)
        file.seek(begin)
        return file


def put(file: FileIO, block: bytes) -> None:
    """Write it all. Raises UsageError for errors of the disk: an OSError would count as the connection's."""
    with disk(Path(file.name).parent):
        while block:
            block = block[file.write(block) :]


@contextmanager
def disk(folder: Path) -> Iterator[None]:
    """Turn errors of the disk into a UsageError on the folder."""
    try:
        yield
    except OSError as error:
        cure = "make room" if error.errno == errno.ENOSPC else "make it writable"
        raise UsageError(
            f"{folder} cannot be written ({error.strerror or error}); {cure}, or name another folder with --data-root"
        ) from None


def held(path: Path) -> int:
    """Bytes of a file; 0 if it does not exist."""
    return path.stat().st_size if path.is_file() else 0


def md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder to fill. It is renamed to `folder` only if all went well.

    Raises UsageError if `folder` exists already, or for errors of the disk.
    """
    if folder.exists():
        raise UsageError(f"{folder} exists already; move it away, or name another folder with --data-root")
    with disk(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            yield half
            half.chmod(0o755)  # mkdtemp's folders are readable only by their owner
            half.rename(folder)
        finally:
            shutil.rmtree(half, ignore_errors=True)


def untar(archive: Path, folder: Path, *, most: int) -> None:
    """Unpack the files of one folder of a tar.gz, the one named as `folder`; at most `most` bytes together.

    Only contents and base names are used, so that links, modes and paths in the archive do no harm. The Python 3.11 of
    Debian 12 lacks tarfile's filters. Raises UsageError.
    """
    with new_folder(folder) as half, undamaged(archive), tarfile.open(archive, "r|gz") as tar:
        room = most
        for member in tar:
            room -= member.size
            if room < 0:
                raise UsageError(f"{archive} unpacks to more than {most:,} bytes; remove it and fetch it again")
            path, content = PurePosixPath(member.name), tar.extractfile(member) if member.isfile() else None
            if content and path.parts == (folder.name, path.name):
                with (half / path.name).open("wb") as file:
                    shutil.copyfileobj(content, file)
        if not any(half.iterdir()):
            raise UsageError(f"{archive} holds no folder {folder.name}; remove it and fetch it again")


def unpack(archives: Mapping[str, Path], folder: Path, *, most: int) -> None:
    """Put files into `folder`, and unzip NAME.gz to NAME; at most `most` bytes together."""
    with new_folder(folder) as half:
        room = most
        for name, archive in archives.items():
            opener, path = gzip.open if name.endswith(".gz") else open, half / name.removesuffix(".gz")
            with undamaged(archive), opener(archive, "rb") as packed, path.open("wb") as file:
                while block := packed.read(BLOCK):
                    room -= len(block)
                    if room < 0:
                        raise UsageError(f"{archive} unpacks to too much; remove it and fetch it again")
                    file.write(block)


@contextmanager
def undamaged(archive: Path) -> Iterator[None]:
    """Raise UsageError for what a damaged archive raises."""
    try:
        yield
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"{archive} cannot be unpacked ({error}); remove it and fetch it again") from None
