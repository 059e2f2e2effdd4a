"""A folder, zip or tar -> the wanted files in it, as bytes.

Nothing is unpacked to disk, nothing is followed (links, devices and pipes are not files), nothing is run. A folder or
archive is hostile until its files are bytes in here. Every limit stands at the top, here or in unpack.py, and is named
where it is hit.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import SubmissionError
from grader.intake import unpack
from grader.intake.unpack import DAMAGE, MIB, Budget, TooBigError, is_archive

ENTRIES = 50_000  # files and folders that are looked at
FILE = 32 * MIB  # one wanted file; some hold pictures
COPIES = 100  # files of one wanted name
BESIDE, BESIDE_ROOM = 100, 128 * MIB  # files of a wanted ending, such as photographs, and all of them together
ARCHIVE = 1024 * MIB  # a zip or tar as it lies on disk
KEPT = 256 * MIB  # all wanted files of a submission together, copies and archives inside archives included
NESTING = 2  # archives inside archives, opened only when nothing wanted lies beside them

# How archives' names end; what rar, 7z and zst hold cannot be read, which is told.
ENDING = re.compile(r"(\.tar)?\.(zip|tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst|rar|7z)$", re.IGNORECASE)
JUNK = {"__MACOSX", "__pycache__", "node_modules", "site-packages", "venv", "env"}


@dataclass(frozen=True)
class Found:
    """A file in a submission: its path there, and its bytes (None: too big, and not read)."""

    path: str
    content: bytes | None


def members(path: Path, wanted: Collection[str], notes: list[str], *, name: str | None = None) -> Iterator[Found]:
    """The files of wanted or nearly wanted names below `path`, read. Raises SubmissionError with the cure.

    `name` is what a single file is called, where that is not its own name.
    """
    name = path.name if name is None else name
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read ({error.strerror}); name a folder, zip or tar") from None
    except ValueError:
        raise SubmissionError("the path holds a null character; name a folder, zip or tar") from None
    search = Search(wanted, notes)
    if stat.S_ISDIR(mode):
        return iter(search.finished(search.folder(path)))
    if not stat.S_ISREG(mode):
        raise SubmissionError(f"{path} is neither a folder nor a file; name a folder, zip or tar")
    try:
        with path.open("rb") as file:
            if is_archive(file):
                if path.stat().st_size > ARCHIVE:
                    raise TooBigError(f"{path} is larger than {ARCHIVE // MIB} MiB; leave data sets and models out")
                return iter(search.finished(search.archive(file, str(path), 0)))
            if search.fits(name):
                return iter(search.finished([Found(printable(name), search.take(file, str(path), name))]))
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read ({error.strerror}); name a folder, zip or tar") from None
    raise SubmissionError(
        f"{path} is no folder, zip or tar, and none of {', '.join(search.names.names.values())}; pack the work as a zip"
    )


class Names:
    """What is wanted: names, and endings written as "*.jpg"."""

    def __init__(self, wanted: Collection[str]) -> None:
        self.names = {base.lower(): base for base in wanted if not base.startswith("*")}
        self.endings = tuple(base[1:].lower() for base in wanted if base.startswith("*"))

    def named(self, path: str) -> bool:
        return self.name_of(path) is not None

    def name_of(self, path: str) -> str | None:
        """The wanted name that a file has, or has but for what was added to it."""
        base = basename(path)
        return self.names.get(base.lower()) or self.names.get(plain(base)) or self.within(base)

    def within(self, base: str) -> str | None:
        """The wanted notebook whose name a longer one holds: "Copy of part1.ipynb", "hw3_Part-1_final.ipynb"."""
        if not base.lower().endswith(".ipynb"):
            return None
        notebooks = [name for name in self.names.values() if name.endswith(".ipynb")]
        held = [name for name in notebooks if re.search(loosely(name), base, re.IGNORECASE)]
        return held[0] if len(held) == 1 else None

    def beside(self, path: str) -> bool:
        base = basename(path).lower()
        return bool(self.endings) and base.endswith(self.endings) and not base.startswith(".")


class Search:
    """One look through a submission; it counts what it passes."""

    def __init__(self, wanted: Collection[str], notes: list[str]) -> None:
        self.names = Names(wanted)
        self.notes = notes
        self.seen = self.beside = self.room = self.kept = 0
        self.left_out: list[str] = []
        self.budget = Budget()
        self.copies: dict[str, int] = {}

    def fits(self, name: str) -> bool:
        return self.names.named(name) or self.names.beside(name)

    def any_named(self, found: Iterable[Found]) -> bool:
        return any(self.names.named(file.path) for file in found)

    def passes(self, name: str, where: str) -> bool:
        """Whether a file is to be read. Counts every entry, wanted or not."""
        self.seen += 1
        if self.seen > ENTRIES:
            raise TooBigError(f"{where} holds more than {ENTRIES} files and folders; leave data and caches out")
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not self.fits(name) or any(is_junk(part) for part in parts[:-1]):
            return False
        base = self.names.name_of(name)
        if base is None:
            self.beside += 1
            self.left_out += [name] if self.beside > BESIDE else []
            return self.beside <= BESIDE
        self.copies[base] = self.copies.get(base, 0) + 1
        if self.copies[base] > COPIES:
            raise TooBigError(
                f"{where} holds more than {COPIES} files named {printable(parts[-1])}; leave the right one"
            )
        return True

    def take(self, file: IO[bytes], where: str, name: str) -> bytes | None:
        """All of a file, or None for more than FILE bytes, or for more than BESIDE_ROOM of those of a wanted ending.
        Raises TooBigError for more than KEPT in all."""
        content = file.read(FILE + 1)
        self.budget.charge(len(content), where)
        beside = self.names.beside(name) and not self.names.named(name)
        if len(content) > FILE or (beside and self.room + len(content) > BESIDE_ROOM):
            self.left_out += [name] if beside else []
            return None
        self.room += len(content) if beside else 0
        self.kept += len(content)
        if self.kept > KEPT:
            raise TooBigError(f"{where} holds more than {KEPT // MIB} MiB of files to grade; leave copies out")
        return content

    def folder(self, root: Path) -> list[Found]:
        found: list[Found] = []
        packed: list[Path] = []
        waiting = [root]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                if folder == root:
                    raise SubmissionError(f"{root} cannot be read ({error.strerror}); check its permissions") from None
                self.note(f"the folder {shown(folder, root)} cannot be read ({error.strerror})")
                continue
            for entry in entries:
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting += [path] if self.enters(entry.name, str(root)) else []
                elif self.passes(str(path.relative_to(root)), str(root)):
                    found += self.file(path, root)
                elif ENDING.search(entry.name):
                    packed.append(path)
        return found if self.any_named(found) else found + self.packed(packed, root)

    def enters(self, name: str, where: str) -> bool:
        self.seen += 1
        if self.seen > ENTRIES:
            raise TooBigError(f"{where} holds more than {ENTRIES} files and folders; leave data and caches out")
        return not is_junk(name)

    def file(self, path: Path, root: Path) -> list[Found]:
        """One file of a folder; a link, a pipe or a device is noted instead, and is not opened."""
        name = shown(path, root)
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                if stat.S_ISREG(os.fstat(descriptor).st_mode) and not path.is_symlink():
                    return [Found(name, self.take(file, str(root), name))]
        except OSError as error:
            if not path.is_symlink() and self.names.named(path.name):
                raise SubmissionError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
            if not path.is_symlink():
                self.note(f"{name} cannot be read ({error.strerror})")
                return []
        self.note(f"{name} is a link or device, which is not followed; hand in the file itself")
        return []

    def packed(self, paths: Sequence[Path], root: Path) -> list[Found]:
        """Archives that lie in a folder which holds nothing else that is wanted."""
        found: list[Found] = []
        for path in paths:
            try:
                if path.is_symlink() or not path.is_file():
                    continue
                with path.open("rb") as file:
                    if is_archive(file) and os.fstat(file.fileno()).st_size <= ARCHIVE:
                        found += self.inner(file, shown(path, root), 1)
            except OSError as error:
                self.note(f"{shown(path, root)} cannot be read ({error.strerror})")
        return found

    def archive(self, file: IO[bytes], where: str, depth: int) -> list[Found]:
        """A zip's or tar's wanted files; with none, those of the archives inside. Raises SubmissionError."""
        prefix = f"{printable(where)}/" if depth else ""
        found: list[Found] = []
        packed: list[tuple[str, bytes]] = []
        try:
            for name, readable, content in unpack.members(file, where, self.budget):
                if self.passes(name, where):
                    if readable:
                        found.append(Found(prefix + printable(name), self.take(content(), where, name)))
                    else:
                        self.note(f"{printable(name)} is a link or device, which is not followed; pack the file itself")
                elif readable and not self.any_named(found) and depth < NESTING and ENDING.search(name):
                    inner = self.take(content(), where, name)
                    packed += [(name, inner)] if inner is not None and len(packed) < COPIES else []
        except SubmissionError:
            raise
        except RecursionError:
            raise SubmissionError(f"{where} is damaged; pack it again") from None
        except (RuntimeError, NotImplementedError) as error:  # zipfile's words for encryption and odd compression
            why = "it has a password" if "encrypted" in str(error) else str(error)
            raise SubmissionError(f"{where} cannot be unpacked ({why}); pack it again as a plain zip") from None
        except MemoryError:
            raise TooBigError(f"{where} needs more memory than there is; leave data sets and models out") from None
        except DAMAGE as error:
            raise SubmissionError(f"{where} is damaged ({brief(error)}); pack it again") from None
        if not self.any_named(found):
            for name, inner in packed:
                if is_archive(io.BytesIO(inner)):
                    found += self.inner(io.BytesIO(inner), prefix + printable(name), depth + 1)
        return found

    def inner(self, file: IO[bytes], where: str, depth: int) -> list[Found]:
        """An archive inside; one that cannot be read is noted, since it need not be the work."""
        try:
            return self.archive(file, where, depth)
        except TooBigError:
            raise
        except SubmissionError as error:
            self.note(str(error))
            return []

    def finished(self, found: list[Found]) -> list[Found]:
        """What was found; of what was left out for its size or number, a note."""
        if self.left_out:
            some = ", ".join(printable(basename(name)) for name in self.left_out[:3])
            more = f" and {len(self.left_out) - 3} more" if len(self.left_out) > 3 else ""
            self.note(
                f"not read: {some}{more}; of pictures, at most {BESIDE} of {FILE // MIB} MiB each and "
                f"{BESIDE_ROOM // MIB} MiB in all are, so hand in those alone that are asked for"
            )
        return found

    def note(self, sentence: str) -> None:
        if len(self.notes) < 20:
            self.notes.append(sentence)


def is_junk(folder: str) -> bool:
    return folder in JUNK or (folder.startswith(".") and folder not in (".", ".."))


def shown(path: Path, root: Path) -> str:
    return printable(path.relative_to(root).as_posix())


def printable(name: str) -> str:
    """A hostile name for messages: escaped where UTF-8 or a terminal could not show it, and never endless."""
    text = name.encode("utf-8", "backslashreplace").decode()
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= 200 else f"{text[:100]}...{text[-90:]}"


def brief(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__)[:120]


# Names


def basename(name: str) -> str:
    """The last part of a path as any system writes it."""
    return PurePosixPath(name.replace("\\", "/")).name


def plain(base: str) -> str:
    """A base name without what a browser, an upload or a file system adds: "Network (1).py" -> "network.py"."""
    return re.sub(r"( ?\(\d+\)|-\d+)(?=\.\w+$)", "", base).lower()


def loosely(base: str) -> str:
    """A pattern of a name without its ending, and with anything before its number: "part1", "Part_1", "part 1"."""
    return re.sub(r"(?<!\d)(?=\d+$)", r"[\\W_]{0,3}", re.escape(base.rpartition(".")[0])) + r"(?!\d)"
