"""A folder, zip or tar -> the wanted files in it, as bytes.

Nothing is unpacked to disk, nothing is run, and links, devices and pipes are not followed. Every folder or archive is
treated as hostile. All limits are at the top of this file and of unpack.py; a message names the limit that was hit.
"""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from grader.errors import SubmissionError
from grader.intake import match, repair, unpack
from grader.intake.match import basename
from grader.intake.unpack import DAMAGE, MIB, Budget, TooBigError, is_archive

ENTRIES = 50_000  # most files and folders
FILE = 32 * MIB  # one wanted file
NOTEBOOK = 128 * MIB  # one notebook, with its pictures and animations
COPIES = 100  # files of one wanted name
BESIDE, BESIDE_ROOM = 100, 128 * MIB  # files with a wanted ending, such as photographs, and their bytes together
CODE, CODE_ROOM = 300, 64 * MIB  # Python files and notebooks of other names, and their bytes together
ARCHIVE = 1024 * MIB  # a zip or tar on disk
KEPT = 256 * MIB  # all wanted files of a submission together, with copies and archives inside archives
NESTING = 4  # depth of archives inside archives
LISTED = 500  # files to list for a person who has to choose

# How archives' names end. The grader cannot read those of the second kind, and says so.
ENDING = re.compile(
    r"(\.tar)?\.(?:(zip|tar|tgz|tbz2?|txz|gz|bz2|xz)"
    r"|(?:rar|7z|t?zst|zipx|t?lz4|lzma|tlz|lz|lzo|z|lzh|lha|arj|ace|cab|sitx?|cpio|xar|dmg|iso))$",
    re.IGNORECASE,
)
# One part of an archive that was split, as 7-Zip, WinRAR and WinZip name it.
PART = re.compile(r"\.(?:zip|7z|rar|tar|t?gz)\.\d{2,3}$|\.[rz]\d\d$", re.IGNORECASE)
# Archives of published data sets; they hold no student's work.
DATA = re.compile(r"-(python|binary|matlab)\.(tar\.)?gz$|-ubyte\.gz$", re.IGNORECASE)
JUNK = {"__MACOSX", "__pycache__", "node_modules", "site-packages", "$RECYCLE.BIN", "@eaDir"}
# Folders that begin with a dot, in which programs keep their own files.
KEEPERS = set(
    ".git .svn .hg .venv .tox .nox .cache .local .conda .npm .idea .vscode .vs .mypy_cache .ruff_cache .pytest_cache "
    ".Trash .Trashes .fseventsd .Spotlight-V100 .DocumentRevisions-V100 .TemporaryItems "
    ".AppleDouble .history .eggs .spyproject .virtual_documents".split()
)
ASIDE = {"venv", "env"}  # files here, and in other folders that begin with a dot, count only if there are no others


@dataclass(frozen=True)
class Found:
    """A file in a submission: its path there, and its bytes (None: too big, and not read).

    `part` is the number of the attachment, where there are several; the newest has the highest. `aside`: the file is in
    a folder for a program's own files, or was packed again later, and counts only if there is no other.
    """

    path: str
    content: bytes | None
    part: int = 0
    aside: bool = False
    own_name: str = ""  # if `path` shows it escaped

    @property
    def name(self) -> str:
        return self.own_name or self.path


def members(path: Path, search: Search, *, name: str | None = None) -> list[Found]:
    """Read the files below `path` that may be wanted. Raises SubmissionError with the cure.

    `name` is the name to use for a single file, if not its own.
    """
    name = path.name if name is None else name
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read ({error.strerror}); name a folder, zip or tar") from None
    except ValueError:
        raise SubmissionError("the path holds a null character; name a folder, zip or tar") from None
    if stat.S_ISDIR(mode):
        return search.folder(path)
    if not stat.S_ISREG(mode):
        raise SubmissionError(f"{path} is neither a folder nor a file; name a folder, zip or tar")
    try:
        with path.open("rb") as file:
            return single(file, path, name, search)
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read ({error.strerror}); check its permissions") from None


def single(file: IO[bytes], path: Path, name: str, search: Search) -> list[Found]:
    """A wanted file alone, or the members of an archive. Raises SubmissionError for any other file."""
    if is_archive(file):
        if path.stat().st_size > ARCHIVE:
            raise TooBigError(f"{path} is larger than {ARCHIVE // MIB} MiB; leave data sets and models out")
        return search.archive(file, path.name, 0)
    if search.fits(name) or search.names.code(name):
        return [Found(printable(name), search.take(file, path.name, name), own_name=name)]
    file.seek(0)
    head = file.read(1000)
    if kind := repair.kind_of(head):
        raise SubmissionError(f"{path} is {kind}")
    full = head.strip(b"\0")
    what = f"neither a folder, zip or tar nor one of {', '.join(search.names.names)}" if full else "empty"
    raise SubmissionError(f"{path} is {what}; pack the work as a zip")


class Names:
    """The wanted names, and the wanted endings, written as "*.jpg"."""

    def __init__(self, wanted: Collection[str]) -> None:
        self.names = [base for base in wanted if not base.startswith("*")]
        self.endings = tuple(base[1:].lower() for base in wanted if base.startswith("*"))
        self.known: dict[str, dict[str, int]] = {}

    def distances(self, path: str) -> dict[str, int]:
        """The wanted names that a file may stand for, each with its distance; see match.py."""
        base = basename(path)
        if base not in self.known:
            self.known[base] = {} if self.beside(base) else match.distances(base, self.names)
        return self.known[base]

    def named(self, path: str) -> bool:
        return bool(self.distances(path))

    def code(self, path: str) -> bool:
        """Whether it may be a helper module, or a wanted file under another name."""
        base = basename(path).lower()
        return base.endswith((".py", ".ipynb")) and not base.startswith(".")

    def beside(self, path: str) -> bool:
        base = basename(path).lower()
        return bool(self.endings) and base.endswith(self.endings) and not base.startswith(".")


class Search:
    """One walk through a submission, with a count for each limit.

    `asked` are paths to read in any case. `tell` is called with the name of each file before it is read. Afterwards
    `there` lists the files that were seen, `unread` says why each unopened archive could not be opened, and `left` has
    the links with a wanted name.
    """

    def __init__(
        self,
        wanted: Collection[str],
        notes: list[str],
        asked: Collection[str] = (),
        tell: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.names = Names(wanted)
        self.tell = tell
        self.notes = notes
        self.asked = frozenset(asked)
        self.seen = self.beside = self.room = self.code = self.code_room = self.kept = 0
        self.left_out: list[str] = []
        self.budget = Budget()
        self.copies: dict[str, int] = {}
        self.there: list[str] = []
        self.unread: list[str] = []
        self.left: dict[str, str] = {}
        self.refused: SubmissionError | None = None

    def fits(self, name: str) -> bool:
        return self.names.named(name) or self.names.beside(name) or printable(name) in self.asked

    def any_named(self, found: Iterable[Found]) -> bool:
        return any(self.names.named(file.path) for file in found)

    def passes(self, name: str, where: str, prefix: str = "") -> bool:
        """Whether to read a file. Counts every entry, wanted or not."""
        self.seen += 1
        if self.seen > ENTRIES:
            raise TooBigError(f"{where} holds more than {ENTRIES} files and folders; leave data and caches out")
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or any(is_junk(part) for part in parts[:-1]):
            return False
        path = prefix + printable(name)
        self.there += [path] if len(self.there) < LISTED else []
        if path in self.asked:
            return True
        if found := self.names.distances(name):
            return self.counted(found, where)
        if self.names.beside(name):
            self.beside += 1
            self.left_out += [name] if self.beside > BESIDE else []
            return self.beside <= BESIDE
        if self.names.code(name) and not any(is_aside(part) for part in parts[:-1]):
            self.code += 1
            return self.code <= CODE
        return False

    def counted(self, bases: Iterable[str], where: str) -> bool:
        for base in bases:
            self.copies[base] = self.copies.get(base, 0) + 1
            if self.copies[base] > COPIES:
                raise TooBigError(
                    f"{where} holds more than {COPIES} files named {base}, or nearly so; leave the right one"
                )
        return True

    def take(self, file: IO[bytes], where: str, name: str) -> bytes | None:
        """All of a file; None if it is too large, alone or together with others of its kind.
        Raises TooBigError once all files together exceed KEPT."""
        self.tell(name)
        limit = max(FILE, NOTEBOOK) if ".ipynb" in basename(name).lower() and FILE >= MIB else FILE
        content = file.read(limit + 1)
        self.budget.charge(len(content), where)
        named = self.names.named(name)
        beside = self.names.beside(name) and not named
        code = self.names.code(name) and not named
        if code and self.code_room + len(content) > CODE_ROOM:
            return None
        if len(content) > limit or (beside and self.room + len(content) > BESIDE_ROOM):
            self.left_out += [name] if beside else []
            return None
        self.room += len(content) if beside else 0
        self.code_room += len(content) if code else 0
        self.kept += len(content)
        if self.kept > KEPT:
            raise TooBigError(f"{where} holds more than {KEPT // MIB} MiB of files to grade; leave copies out")
        return content

    def folder(self, root: Path) -> list[Found]:
        """The files of a folder and its sub-folders that may be wanted, and those of the archives in them."""
        found: list[Found] = []
        packed: list[Path] = []
        waiting = [root]
        while waiting:
            for entry in self.entries(waiting.pop(), root):
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    waiting += [path] if self.enters(entry.name, str(root)) else []
                elif self.passes(str(path.relative_to(root)), str(root)):
                    found += self.file(path, root)
                elif is_packed(entry.name):
                    packed.append(path)
        return found + self.packed(packed, root)

    def entries(self, folder: Path, root: Path) -> list[os.DirEntry[str]]:
        """What lies in a folder, by name. Raises SubmissionError if `root` cannot be read; another folder is noted."""
        try:
            with os.scandir(folder) as listing:
                return sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            if folder == root:
                raise SubmissionError(f"{root} cannot be read ({error.strerror}); check its permissions") from None
            self.skip(f"the folder {shown(folder, root)} cannot be read ({error.strerror})")
            return []

    def enters(self, name: str, where: str) -> bool:
        self.seen += 1
        if self.seen > ENTRIES:
            raise TooBigError(f"{where} holds more than {ENTRIES} files and folders; leave data and caches out")
        return not is_junk(name)

    def file(self, path: Path, root: Path) -> list[Found]:
        """One file of a folder. A link, pipe or device is noted and not opened."""
        name = shown(path, root)
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            with os.fdopen(descriptor, "rb") as file:
                if stat.S_ISREG(os.fstat(descriptor).st_mode) and not path.is_symlink():
                    content = self.take(file, str(root), name)
                    return self.read(str(path.relative_to(root)), name, content, 0)
        except OSError as error:
            odd = path.is_symlink() or error.errno == errno.ENXIO  # a socket, or a device without a driver
            if not odd and self.names.named(path.name):
                raise SubmissionError(f"{path} cannot be read ({error.strerror}); check its permissions") from None
            if not odd:
                self.note(f"{name} cannot be read ({error.strerror})")
                return []
        self.leave(name, "hand in the file itself")
        return []

    def read(self, name: str, path: str, content: bytes | None, depth: int) -> list[Found]:
        """A file that was read, and the files packed in it. macOS resource files ("._name") are left out."""
        if content is not None and basename(name).startswith("._") and b"\0" in content:
            return []
        aside = any(is_aside(part) for part in PurePosixPath(name.replace("\\", "/")).parts[:-1])
        found = [Found(path, content, aside=aside, own_name=name)]
        if content is None or not self.names.named(name) or depth >= NESTING:
            return found
        if is_whole(io.BytesIO(content), name):
            inside = self.inner(io.BytesIO(content), path, depth + 1)
            return inside if self.any_named(inside) else found + inside
        if is_packed(name):
            self.skip(f"{path} is {unopened(name, content)}")
        return found

    def packed(self, paths: Sequence[Path], root: Path) -> list[Found]:
        """The files in the archives of a folder."""
        found: list[Found] = []
        for path in paths:
            name = shown(path, root)
            try:
                if not path.is_symlink() and path.is_file():
                    found += self.packed_in(path, name)
            except OSError as error:
                self.skip(f"{name} cannot be read ({error.strerror})")
        return found

    def packed_in(self, path: Path, name: str) -> list[Found]:
        """The files in one archive. One that is too large or of a format that is not read is noted. Raises OSError."""
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > ARCHIVE:
                self.skip(f"{name} is larger than {ARCHIVE // MIB} MiB and was not opened")
                return []
            if is_whole(file, name):
                return self.inner(file, name, 1)
            file.seek(0)
            self.skip(f"{name} is {unopened(name, file.read(1000))}")
            return []

    def archive(self, file: IO[bytes], where: str, depth: int) -> list[Found]:
        """A zip's or tar's files that may be wanted, and those of the archives inside. Raises SubmissionError."""
        prefix = f"{printable(where)}/" if depth else ""
        found: dict[str, list[Found]] = {}
        packed: list[tuple[str, bytes]] = []
        self.tell(where)
        try:
            for name, readable, content in unpack.members(file, where, self.budget):
                if self.passes(name, where, prefix):
                    if readable:
                        self.replace(found, name, where, prefix, self.take(content(), where, name), depth)
                    else:
                        self.leave(prefix + printable(name), "pack the file itself")
                elif readable and is_packed(name) and not in_junk(name):
                    packed += self.inside(name, prefix, content, where, depth, len(packed))
        except SubmissionError:
            raise
        except unpack.CutOffError:
            self.skip(f"{where} may be cut off, because it does not end as a tar does; pack it again")
        except RecursionError:
            raise SubmissionError(f"{where} is damaged; pack it again") from None
        except (RuntimeError, NotImplementedError) as error:  # zipfile raises these for encryption and rare compression
            why = "it has a password" if "encrypted" in str(error) else str(error)
            raise SubmissionError(f"{where} cannot be unpacked ({why}); pack it again as a plain zip") from None
        except MemoryError:
            raise TooBigError(f"{where} needs more memory than there is; leave data sets and models out") from None
        except DAMAGE as error:
            raise SubmissionError(f"{where} is damaged ({brief(error)}); pack it again") from None
        files = [one for several in found.values() for one in several]
        for name, inner in packed:
            files += self.inner(io.BytesIO(inner), prefix + printable(name), depth + 1)
        return files

    def replace(
        self, found: dict[str, list[Found]], name: str, where: str, prefix: str, content: bytes | None, depth: int
    ) -> None:
        """Keep the later of two members with the same name, as unpacking does, or the earlier if the later is blank."""
        before = [one for one in found.get(name, []) if one.content != content]
        if before:
            self.note(f"{printable(where)} holds {printable(name)} twice; the later one counts, if it holds work")
        before = [replace(one, aside=True) for one in before[-1:] if self.names.named(name)]
        found[name] = before + self.read(name, prefix + printable(name), content, depth)

    def inside(
        self, name: str, prefix: str, content: Callable[[], IO[bytes]], where: str, depth: int, kept: int
    ) -> list[tuple[str, bytes]]:
        """Read an archive inside an archive; note one that cannot be opened."""
        path = prefix + printable(name)
        if depth >= NESTING or kept >= COPIES:
            why = "it is nested too deep in archives" if depth >= NESTING else f"{COPIES} archives lie beside it"
            self.skip(f"{path} was not opened, because {why}; pack the work as one zip")
            return []
        try:
            inner = self.take(content(), where, name)
        except TooBigError as error:
            self.refuse(error)
            return []
        if inner is None:
            self.skip(f"{path} is larger than {FILE // MIB} MiB and was not opened")
        elif not is_whole(io.BytesIO(inner), name):
            self.skip(f"{path} is {unopened(name, inner)}")
        else:
            return [(name, inner)]
        return []

    def inner(self, file: IO[bytes], where: str, depth: int) -> list[Found]:
        """An archive among other files. One that cannot be read is only noted, since the work may be elsewhere."""
        try:
            return self.archive(file, where, depth)
        except TooBigError as error:
            self.refuse(error)
        except SubmissionError as error:
            self.skip(str(error))
        return []

    def refuse(self, error: TooBigError) -> None:
        """A limit was hit. The submission cannot be read if nothing else is found."""
        self.refused = self.refused or error
        self.skip(str(error))

    def skip(self, sentence: str) -> None:
        """Note something that could not be opened: it may hold a missing file."""
        if len(self.unread) < 20:
            self.unread.append(sentence)
        self.note(sentence)

    def finished(self, found: list[Found]) -> list[Found]:
        """What was found, with a note on files left out for their size or number. Raises the limit that was hit, if
        nothing else was found."""
        if self.refused and not self.any_named(found):
            raise self.refused
        if self.left_out:
            some = ", ".join(printable(basename(name)) for name in self.left_out[:3])
            more = f" and {len(self.left_out) - 3} more" if len(self.left_out) > 3 else ""
            self.note(
                f"not read: {some}{more}; at most {BESIDE} such files of {FILE // MIB} MiB each and "
                f"{BESIDE_ROOM // MIB} MiB in all are read; hand in fewer"
            )
        return found

    def leave(self, name: str, cure: str) -> None:
        """Note a link or a device. A person is asked about one with a wanted name that no file has."""
        told = f"{name} is a link or device, which is not followed; {cure}"
        self.left |= dict.fromkeys(self.names.distances(name), told)
        self.note(told)

    def note(self, sentence: str) -> None:
        if len(self.notes) < 20:
            self.notes.append(sentence)


def is_whole(file: IO[bytes], name: str) -> bool:
    """Whether a file is an archive, and not one part of a split one."""
    return is_archive(file) and not PART.search(basename(name))


def unopened(name: str, content: bytes) -> str:
    """What a file is that is called an archive and cannot be opened."""
    ending = ENDING.search(basename(name))
    if PART.search(basename(name)):
        return "one part of an archive that was split; pack the work as one zip"
    if kind := repair.kind_of(content):
        return kind
    if ending and not ending[2]:
        return f"an archive of a kind ({ending[0][1:]}) that the grader cannot open; pack the work as a zip"
    return "not an archive, although its name says so; pack the work again as a zip"


def is_junk(folder: str) -> bool:
    return folder in JUNK or folder in KEEPERS


def is_aside(folder: str) -> bool:
    return folder in ASIDE or (folder.startswith(".") and folder not in (".", ".."))


def in_junk(name: str) -> bool:
    return any(is_junk(part) for part in PurePosixPath(name.replace("\\", "/")).parts[:-1])


def is_packed(name: str) -> bool:
    """Whether a file's name says that it is an archive to open. Archives of published data sets are not."""
    base = basename(name)
    return bool(ENDING.search(base) or PART.search(base)) and not base.startswith("._") and not DATA.search(base)


def shown(path: Path, root: Path) -> str:
    return printable(path.relative_to(root).as_posix())


def printable(name: str) -> str:
    """A name that is safe in messages: characters that cannot be shown are escaped, and long names are shortened."""
    text = name.encode("utf-8", "backslashreplace").decode()
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= 200 else f"{text[:100]}...{text[-90:]}"


def brief(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__)[:120]
