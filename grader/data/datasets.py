"""Finds, verifies and reads the data sets that a homework declares; makes up stand-in data if a set is absent.

download.py does the downloads. The rubric names the homework's function that reads a file's format.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import traceback
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import UsageError
from grader.model import STAND_IN, DataPlan, Homework

LARGEST = 64 << 20  # bytes to read of a file; a longer one is cut, so its checksum does not match
MD5_DIGITS = 32


class DamagedError(Exception):
    """A homework's reader raises this. `file` is a name in the rubric, or "" for all files; `what` is the problem."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(f"{file} {what}")
        self.file, self.what = file, what


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set as its reader returned it. `source` describes it in words; `digest` identifies it in a report.

    Its `arrays` are read-only attributes: `images.train_x`.
    """

    name: str
    title: str
    source: str
    stand_in: bool
    verified: bool
    digest: str
    arrays: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self.arrays:
            raise AttributeError(f"the data set {self.name} has no {name}")
        return self.arrays[name]

    def version(self) -> str:
        """Title and digest, for the report."""
        kind = f" {STAND_IN}" if self.stand_in else "" if self.verified else " (unverified)"
        return f"{self.title} {self.digest}{kind}"

    def notes(self, homework: Homework) -> Iterator[str]:
        """Yield the caveat to show with points that were measured on it, if there is one."""
        if self.stand_in:
            plan = homework.rubric.data.get(self.name)
            cure = f"`{command(homework, self.name)}` fetches the real data"
            if plan is not None and not plan.fetch:
                cure = f"the real data belong in {plan.places[0]} of --data-root"
            absent = f"{self.title} is not on this machine, so data in its format were made up"
            yield f"graded on stand-in data: {absent}; {cure}"
        elif not self.verified:
            yield f"graded on {self.source}"


class Store:
    """A homework's data sets on this machine, by name; each is read once."""

    def __init__(self, homework: Homework, given: Path | None = None, *, unverified: bool = False) -> None:
        """`given` is the folder for data sets, if a person named one; see `root`."""
        self.homework, self.given, self.unverified = homework, given, unverified
        self.read: dict[str, Any] = {}

    def __call__(self, name: str) -> Any:
        """The data set, its stand-in, or None. For a set without a reader, the path of its file, which is not read.

        Raises UsageError if files that are read are not the official ones.
        """
        if name not in self.read:
            self.read[name] = read(self.homework, name, root(self.given), unverified=self.unverified)
        return self.read[name]


def root(given: Path | None = None) -> Path:
    """The folder for data sets: the given one, else BACKGRADE_DATA, else the platform's cache folder."""
    if given is not None:
        return given
    if named := os.environ.get("BACKGRADE_DATA"):
        return Path(named)
    import platformdirs

    return platformdirs.user_cache_path("backgrade")


def check_root(given: Path | None) -> None:
    """Raise UsageError if the given folder does not exist: a person who names a folder does not want stand-in data."""
    if given is not None and not given.is_dir():
        raise UsageError(f"--data-root {given} is not a folder; name the folder that holds the data sets")


def home(plan: DataPlan, root: Path) -> Path:
    """The folder to put a data set in: the first of its places."""
    return below(plan.places[0], root) or root


def below(place: str, root: Path) -> Path | None:
    """The folder for a place that the rubric names, below `root`; or `root` itself, if it ends in that place. None if
    an environment variable in the place is not set."""
    expanded = Path(os.path.expandvars(place)).expanduser()
    if "$" in str(expanded):
        return None
    named = expanded.parts
    return root if named and root.parts[-len(named) :] == named else root / expanded


def find(plan: DataPlan, root: Path) -> Path | None:
    """The first of a data set's places that holds one of its files; None if there is none.

    If a data set has only one place and that folder exists, it counts even without files, so that an error can name
    the missing files.
    """
    folders = [folder for place in plan.places if (folder := below(place, root)) is not None]
    if len(plan.places) == 1 and folders and folders[0].is_dir():
        return folders[0]
    return next((folder for folder in folders if any(map(Path.is_file, candidates(folder, plan)))), None)


def candidates(folder: Path, plan: DataPlan) -> list[Path]:
    """The paths that a data set's files may have in a folder, gzipped or not."""
    return [folder / f"{name}{end}" for name in plan.files for end in (".gz", "")]


def find_file(plan: DataPlan, root: Path) -> Path | None:
    """The only file of a data set without a reader; None if it is absent."""
    folder = find(plan, root)
    path = folder and folder / next(iter(plan.files))
    return path if path and path.is_file() else None


def is_official(path: Path, expected: str) -> bool:
    """Whether a file's checksum begins with `expected`."""
    return sum_of(path, expected).startswith(expected)


def sum_of(path: Path, expected: str) -> str:
    """A file's checksum, of the kind of `expected`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm(expected)).hexdigest()


def algorithm(expected: str) -> str:
    return "md5" if len(expected) == MD5_DIGITS else "sha256"


def digest_of(plan: DataPlan, root: Path) -> str:
    """A digest of a data set's files, without parsing them; "none" if it is absent."""
    folder = find(plan, root)
    if folder is None:
        return "none"
    total = hashlib.sha256()
    for path in filter(Path.is_file, candidates(folder, plan)):
        with path.open("rb") as file:
            total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()} ".encode())
    return total.hexdigest()[:32]


def read(homework: Homework, name: str, root: Path, *, unverified: bool = False) -> Any:
    """Read a declared data set, or make up its stand-in; see Store."""
    plan = homework.rubric.data[name]
    if not plan.reader:
        return find_file(plan, root)
    folder = find(plan, root)
    if folder is None:
        return made_up(plan, by_name(homework, plan.stand_in)) if plan.stand_in else None
    cure = f"move {folder} away and run `{command(homework, name)}`" if plan.fetch else "put the official file there"
    contents, sums = {}, []
    for file, expected in plan.files.items():
        contents[file], found = checked(located(folder, file), expected, cure, unverified=unverified)
        sums.append(found)
    try:
        arrays = by_name(homework, plan.reader, contents)
    except DamagedError as error:
        path = located(folder, error.file) if error.file else folder
        raise UsageError(f"{path} {error.what}; {cure}") from None
    verified = all(found.startswith(expected) for found, expected in zip(sums, plan.files.values(), strict=True))
    source = plan.title if verified else f"{plan.title}, checksums not verified"
    digest = hashlib.sha256("".join(sums).encode()).hexdigest()[:12]
    return DataSet(name, plan.title, source, False, verified, digest, frozen(arrays))


def of_file(plan: DataPlan, path: Path) -> DataSet:
    """What a report says of a data set without a reader, whose file a check reads itself."""
    expected = plan.files[path.name]
    try:
        found = sum_of(path, expected)
    except OSError:  # it is gone since
        found = ""
    verified = bool(found) and found.startswith(expected)
    source = plan.title if verified else f"{plan.title}, checksum not verified"
    return DataSet(plan.name, plan.title, source, False, verified, found[:12] or "no longer there", {})


def by_name(homework: Homework, function: str, *args: Any) -> Mapping[str, Any]:
    """The arrays that a homework's reader or stand-in returns. Raises UsageError, with the line, if it breaks or
    returns no dict: no submission is at fault."""
    where = homework.rubric.where("function", function)
    try:
        arrays = homework.readers[function](*args)
    except (UsageError, DamagedError):
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [one for one in frames if Path(one.filename).is_relative_to(homework.folder.resolve())]
        at = f"{own[-1].filename}:{own[-1].lineno}" if own else where
        raise UsageError(f"{at}: {function} raised {type(error).__name__}: {error}; correct it") from error
    if not isinstance(arrays, Mapping):
        raise UsageError(
            f"{where}: {function} gave a {type(arrays).__name__}; it has to give arrays by name, in a dict"
        )
    return arrays


def command(homework: Homework, name: str) -> str:
    """The command that fetches a data set."""
    return f"python grade.py data {name}{homework.option}"


def made_up(plan: DataPlan, arrays: Mapping[str, Any]) -> DataSet:
    """The stand-in for a data set. Never derive a threshold from it."""
    total = hashlib.sha256()
    for name, value in arrays.items():
        array = np.atleast_1d(value if isinstance(value, np.ndarray) else repr(value))  # such as a list of names
        total.update(f"{name} {array.dtype} {array.shape} ".encode() + array[:1000].tobytes())
    digest = total.hexdigest()[:12]
    return DataSet(plan.name, plan.title, "stand-in data", True, False, digest, frozen(arrays))


def frozen(arrays: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the arrays read-only, because all submissions of a class are graded on them."""
    for array in arrays.values():
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return arrays


def located(folder: Path, name: str) -> Path:
    zipped = folder / f"{name}.gz"
    return zipped if zipped.is_file() else folder / name


def checked(path: Path, expected: str, cure: str, *, unverified: bool) -> tuple[bytes, str]:
    """A file's content, unzipped, and its checksum.

    Raises UsageError if the file cannot be read, or is not the official one (unless `unverified`).
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            data = file.read(LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "damaged"
        raise UsageError(f"{path} cannot be read ({reason}); {cure}") from None
    kind = algorithm(expected)
    found = hashlib.new(kind, data, usedforsecurity=False).hexdigest()
    if not found.startswith(expected) and not unverified:
        raise UsageError(
            f"{path} is not the official file ({kind} {found[:8]}..., not {expected[:8]}...); {cure}, "
            "or grade with --unverified to use it as it is"
        )
    return data, found
