"""A zip or tar -> its members one by one, as streams. Limits here stop an archive from using up time or memory.

`zipfile` and `tarfile` are safe for honest archives. A hostile archive can make them read an endless table of contents
or header, decompress in one piece, or parse a number digit by digit for hours. Such archives are refused first.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from grader.errors import SubmissionError

MIB = 1 << 20
LONE = 128 * MIB  # a single compressed file, such as model.py.gz
UNPACKED = 1024 * MIB  # all that is decompressed for one submission, with archives inside archives
CONTENTS = 32 * MIB  # a zip's table of contents
HEADER = 64 << 10  # a tar's extra headers for one member, such as a long name
GLOBAL = 4 << 10  # a tar's headers for all members, which tarfile copies for each of them; git writes 52 bytes
MEMBERS = 50_000  # most files and folders of a tar
DICTIONARY = 160 * MIB  # memory for an xz stream; xz -9 needs 65 MiB

Member = tuple[str, bool, Callable[[], IO[bytes]]]  # its name, whether it is a file, how to open it

DAMAGE = (
    OSError, EOFError, ValueError, LookupError, struct.error, zlib.error, lzma.LZMAError, tarfile.TarError,
    zipfile.BadZipFile,
)  # fmt: skip
ABOUT = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
# Sparse members: their stored size differs from the declared one, so the start of the next member is hard to find.
SPARSE, RESIZED = re.compile(rb"GNU\.sparse"), re.compile(rb"\d+ size=")


class TooBigError(SubmissionError):
    """A limit of this module or of archive.py was hit."""


class CutOffError(Exception):
    """A tar ends without the mark of its end, or goes on with no header: more files may have been in it."""


class Budget:
    """How many bytes may still be decompressed. All archives of one submission share it."""

    def __init__(self) -> None:
        self.left = UNPACKED

    def charge(self, size: int, where: str) -> None:
        """Raises TooBigError once it is used up: a zip bomb costs seconds, but no disk and no memory."""
        self.left -= size
        if self.left < 0:
            raise TooBigError(f"{where} unpacks to more than {UNPACKED // MIB} MiB; leave data sets and models out")


def members(file: IO[bytes], where: str, budget: Budget) -> Iterator[Member]:
    """The members of an archive. Raises SubmissionError, or one of DAMAGE, if it cannot be read."""
    if is_zip(file):
        return zipped(file, where)
    return tarred(file, where, budget) if is_tar(decompressed(file)) else lone(file, where, budget)


def lone(file: IO[bytes], where: str, budget: Budget) -> Iterator[Member]:
    """A single compressed file: model.py of model.py.gz."""
    name = re.sub(r"\.(gz|bz2|xz)$", "", where.replace("\\", "/").rpartition("/")[2], flags=re.IGNORECASE)
    yield name, True, lambda: io.BytesIO(Charged(decompressed(file), where, budget).exactly(LONE))


def zipped(file: IO[bytes], where: str) -> Iterator[Member]:
    if table_of_contents(file) > CONTENTS:
        raise TooBigError(
            f"the table of contents of {where} is larger than {CONTENTS // MIB} MiB; leave data and caches out"
        )
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename and not info.is_dir():
                mode = info.external_attr >> 16
                yield info.filename, stat.S_IFMT(mode) in (0, stat.S_IFREG), lambda info=info: opened(archive, info)  # type: ignore[misc]


def opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """Raises NotImplementedError for methods that `zipfile` decompresses in one piece, whatever the size."""
    if info.flag_bits & 1:
        raise RuntimeError("encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise NotImplementedError("it uses a rare compression method")
    return archive.open(info)


def table_of_contents(file: IO[bytes]) -> int:
    """Bytes of a zip's central directory, which `zipfile` reads whole. If its end is ambiguous, the largest size."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - (1 << 16) - 200))
    tail = file.read()
    sizes = [struct.unpack_from("<L", tail, at.start() + 12)[0] for at in re.finditer(b"PK\5\6(?=(?s:.{18}))", tail)]
    large = [struct.unpack_from("<Q", tail, at.start() + 40)[0] for at in re.finditer(b"PK\6\6(?=(?s:.{44}))", tail)]
    return max([size for size in sizes if size != 0xFFFFFFFF] + large, default=0)


def tarred(file: IO[bytes], where: str, budget: Budget) -> Iterator[Member]:
    """Yield a tar's members in one pass, after a first pass that checks the headers. Raises CutOffError at the end of
    one that may not be whole, which `tarfile` does not tell."""
    whole = look_at_headers(Charged(decompressed(file), where, budget), where)
    with tarfile.open(fileobj=Charged(decompressed(file), where, budget), mode="r|") as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # it would keep all of them, and needs none here
            if not member.isdir():
                yield member.name, member.isreg(), lambda member=member: archive.extractfile(member)  # type: ignore[misc]
    if not whole:
        raise CutOffError


def look_at_headers(stream: Charged, where: str) -> bool:
    """Whether the headers lead to the mark of the end. Raises SubmissionError for headers that could keep `tarfile`
    busy for hours, as in CVE-2024-6232."""
    members = for_all = 0
    while len(block := stream.exactly(tarfile.BLOCKSIZE)) == tarfile.BLOCKSIZE:
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.TarError:
            return not any(block)  # the end, or damage; `tarfile` stops here too
        if info.type in ABOUT:
            if not 0 <= info.size <= HEADER:
                raise TooBigError(f"{where} holds a header of {info.size} bytes; pack it again as a plain zip")
            for_all += info.size if info.type == tarfile.XGLTYPE else 0
            if for_all > GLOBAL:
                raise TooBigError(f"{where} holds headers on all members, of {for_all} bytes; pack it as a plain zip")
            header = stream.exactly(padded(info.size))
            for pattern, what in ((SPARSE, "sparse files"), (RESIZED, "a file with two sizes")):
                if pattern.search(header):
                    raise SubmissionError(f"{where} holds {what}; pack it again as a plain zip")
            continue
        members += 1
        if members > MEMBERS:
            raise TooBigError(f"{where} holds more than {MEMBERS} files and folders; leave data and caches out")
        if info.type == tarfile.GNUTYPE_SPARSE or info.size < 0:
            raise SubmissionError(f"{where} holds sparse files; pack it again as a plain zip")
        if info.isreg() or info.type not in tarfile.SUPPORTED_TYPES:
            stream.skip(padded(info.size))
    return False


def padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


class Charged(io.RawIOBase):
    """A stream that charges a budget for each byte read."""

    def __init__(self, stream: IO[bytes], where: str, budget: Budget) -> None:
        self.stream, self.where, self.budget = stream, where, budget

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.budget.charge(len(data), self.where)
        return data

    def exactly(self, size: int) -> bytes:
        """`size` bytes, or all that are left."""
        parts = []
        while size > 0 and (part := self.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def skip(self, size: int) -> None:
        while size > 0 and (part := self.read(min(size, MIB))):
            size -= len(part)


class Xz(io.RawIOBase):
    """An xz stream with a memory limit, which lzma.LZMAFile lacks."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.decompressor = lzma.LZMADecompressor(memlimit=DICTIONARY)

    def read(self, size: int = -1) -> bytes:
        data = b""
        while not data and not self.decompressor.eof:
            more = self.file.read(1 << 16) if self.decompressor.needs_input else b""
            if not more and self.decompressor.needs_input:
                raise EOFError("the xz stream ends early")
            data = self.decompressor.decompress(more, size)
        return data


COMPRESSIONS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=file)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\0", Xz),
)


def decompressed(file: IO[bytes]) -> IO[bytes]:
    file.seek(0)
    head = file.read(6)
    file.seek(0)
    for magic, open_ in COMPRESSIONS:
        if head.startswith(magic):
            stream: IO[bytes] = open_(file)
            return stream
    return file


def is_zip(file: IO[bytes]) -> bool:
    """Whether it begins like a zip, or is a program that unpacks itself."""
    file.seek(0)
    head = file.read(4)
    return head in (b"PK\3\4", b"PK\5\6", b"PK\7\x08") or (head[:2] in (b"MZ", b"#!") and zipfile.is_zipfile(file))


def is_tar(stream: IO[bytes]) -> bool:
    """Whether it begins with a tar header, also an old one without the "ustar" mark. An empty stream counts as one."""
    head = b""
    while len(head) < tarfile.BLOCKSIZE and (part := stream.read(tarfile.BLOCKSIZE - len(head))):
        head += part
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:  # damaged, or empty
        return head[257:262] == b"ustar" or not any(head)
    return True


def is_archive(file: IO[bytes]) -> bool:
    """Whether the content begins like a zip or a tar, compressed or not. The name does not matter."""
    if is_zip(file):
        return True
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    compressed = any(head.startswith(magic) for magic, _ in COMPRESSIONS)
    tar = len(head) == tarfile.BLOCKSIZE and any(head) and is_tar(io.BytesIO(head))
    return compressed or tar
