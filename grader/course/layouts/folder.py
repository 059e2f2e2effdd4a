"""Functions that layouts share: they list the entries of a class's folder and split their names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from grader.course.student import handed_in
from grader.errors import UsageError
from grader.intake.archive import ENDING
from grader.model import Student

JUNK = ("Thumbs.db", "desktop.ini", "Icon\r", ".git", ".ipynb_checkpoints")
APPLE = "._"  # prefix of macOS's metadata files
NOTES = (".csv", ".txt", ".md", ".yml", ".yaml", ".json", ".html", ".log", ".xls", ".xlsx", ".ods", ".pdf")
AGAIN = "; export the submissions again"
TYPED = "only text or a link was typed, which {} holds; read it, and put the work that it leads to in its place"


def children(folder: Path) -> list[Path]:
    """The entries of a folder, without files that systems create. Raises UsageError if it cannot be read."""
    try:
        with os.scandir(folder) as listing:
            names = sorted(entry.name for entry in listing)
    except OSError as error:
        if folder.is_file():
            raise UsageError(f"{folder} is a file; unpack it, and name the folder with all submissions") from None
        raise UsageError(f"cannot read {folder} ({error.strerror}); name the folder with all submissions") from None
    return [folder / name for name in names if not name.startswith((".", "__MACOSX")) and name not in JUNK]


def most(folder: Path, fits: Callable[[Path], Any]) -> bool:
    """Whether more than half of a folder's entries satisfy `fits`, not counting lists and notes."""
    inside = [path for path in children(folder) if fits(path) or not is_note(path)]
    return bool(inside) and 2 * sum(bool(fits(path)) for path in inside) > len(inside)


def is_note(path: Path) -> bool:
    """Whether a file is a list or a note beside the submissions, and so belongs to no student."""
    return path.suffix.lower() in NOTES and not path.is_dir()


def lone(path: Path) -> Student:
    """The student after whom a folder or archive is named; "ada (1).zip" is a second download of "ada"."""
    stem = path.name if path.is_dir() else ENDING.sub("", path.name)
    name = re.sub(r" ?\(\d+\)$", "", stem) or stem
    return handed_in(name, name, ((path.name, path),))


Group = list[tuple[re.Match[str], Path]]


def grouped(
    folder: Path, shape: Callable[[str], re.Match[str] | None], key: Callable[[re.Match[str]], object]
) -> tuple[list[Group], list[Student]]:
    """The entries that match `shape`, grouped by student; and a student for every other entry except lists and
    notes."""
    groups: dict[object, Group] = {}
    rest = []
    for path in children(folder):
        if match := shape(path.name):
            groups.setdefault(key(match), []).append((match, path))
        elif not is_note(path):
            rest.append(lone(path))
    return list(groups.values()), rest


def common(names: Sequence[str], end: str) -> str:
    """The longest common beginning of all names that ends in `end`."""
    same = [letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))]
    return "".join(same)[: "".join(same).rfind(end) + 1]
