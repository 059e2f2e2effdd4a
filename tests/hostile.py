"""Submissions that mean to keep whoever reads them busy, or to fill its memory."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

KIB, MIB = 1 << 10, 1 << 20


def header(name: str, kind: bytes, content: bytes = b"") -> bytes:
    """A member of a tar."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, len(content)
    return member.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % tarfile.BLOCKSIZE)


def records(size: int) -> bytes:
    """Names without values, as a pax header has them, of about so many bytes."""
    found, number = [], 0
    while sum(map(len, found[-1:])) * number < size - 16:
        record = f" k{number}=\n"
        length = next(n for n in range(6, 20) if len(str(n)) + len(record) == n)
        found.append(f"{length}{record}".encode())
        number += 1
    return b"".join(found)


def global_headers(path: Path, files: dict[str, bytes], *, headers: int = 8, members: int = 2000) -> Path:
    """A .tar.gz of kilobytes: each global header adds names to a dictionary that is copied for every member."""
    out = io.BytesIO()
    for _ in range(headers):
        out.write(header("g", tarfile.XGLTYPE, records(60 * KIB)))
    for number in range(members):
        out.write(header(f"m{number}", tarfile.REGTYPE))
    for name, content in files.items():
        out.write(header(name, tarfile.REGTYPE, content))
    path.write_bytes(gzip.compress(out.getvalue() + bytes(1024), 9))
    return path


def folders(path: Path, *, members: int = 200_000) -> Path:
    """A .tar.gz of empty folders."""
    path.write_bytes(gzip.compress(header("f/", tarfile.DIRTYPE) * members, 1))
    return path


def empty_members(path: Path, *, members: int = 1_000_000) -> Path:
    """A .gz of so many gzip members with nothing in them, one after another."""
    path.write_bytes(gzip.compress(b"") * members)
    return path


def passes(count: int = 5000, side: int = 4000) -> bytes:
    """A progressive JPEG of many empty passes over all of it."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def wide(side: int = 7900) -> bytes:
    """A PNG of kilobytes and of 62 million pixels."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("1", (side, side)).save(file, "PNG")
    return file.getvalue()


def nested(source: bytes) -> bytes:
    """A train.py whose main makes two tuples that share their parts; to compare them takes 2^60 steps."""
    pairs = "".join(f"    a{n} = (a{n - 1}, a{n - 1})\n    b{n} = (b{n - 1}, b{n - 1})\n" for n in range(1, 60))
    main = f"def main(args):\n    a0 = b0 = (1, 1)\n{pairs}    num_train = 500 if a59 == b59 else 1000\n"
    return source + b"\n" + main.encode()


def long_tuple(source: bytes, mib: float) -> bytes:
    """A file with a tuple so long that its tree takes hundreds of times its text."""
    return source + b"\nif 0: x = (" + b"a," * int(mib * MIB / 2) + b")\n"


def large_answers(source: bytes) -> bytes:
    """A layers.py that answers every question with 224 MiB of bytes, or of text."""
    return (
        source
        + b"""
def _large(*a): return np.ones((224 << 20,), np.int8).reshape([2] * 15 + [-1])
def l2_regularization(w, reg): return "x" * (224 << 20), 0
relu_forward = softmax_loss = fc_forward = lambda *a: (_large(), None)
relu_backward = _large
def fc_backward(g, c): return _large(), 0, 0
"""
    )
