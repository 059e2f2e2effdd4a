"""What lies in a class's folder: the entries that may be somebody's work, and how names in it are taken apart."""

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

JUNK = ("Thumbs.db", "desktop.ini", ".git", ".ipynb_checkpoints")
APPLE = "._"  # macOS's notes on a file, under its name
NOTES = (".csv", ".txt", ".md", ".yml", ".yaml", ".json", ".html", ".log", ".xls", ".xlsx", ".ods", ".pdf")
AGAIN = "; export the submissions again"


def children(folder: Path) -> list[Path]:
    """What lies in a folder, without what systems leave there. Raises UsageError with the cure."""
    try:
        with os.scandir(folder) as listing:
            names = sorted(entry.name for entry in listing)
    except OSError as error:
        if folder.is_file():
            raise UsageError(f"{folder} is a file; unpack it, and name the folder of all submissions") from None
        raise UsageError(f"{folder} cannot be read ({error.strerror}); name the folder of all submissions") from None
    return [folder / name for name in names if not name.startswith((".", "__MACOSX")) and name not in JUNK]


def most(folder: Path, fits: Callable[[Path], Any]) -> bool:
    """Whether more than half of what lies in a folder, lists and notes aside, fits a shape."""
    inside = [path for path in children(folder) if fits(path) or not is_note(path)]
    return bool(inside) and 2 * sum(bool(fits(path)) for path in inside) > len(inside)


def is_note(path: Path) -> bool:
    """Lists and notes beside submissions belong to no student."""
    return path.suffix.lower() in NOTES and not path.is_dir()


def lone(path: Path) -> Student:
    """A folder or archive named after its student; "ada (1).zip" is a second download of ada's."""
    stem = path.name if path.is_dir() else ENDING.sub("", path.name)
    name = re.sub(r" ?\(\d+\)$", "", stem) or stem
    return handed_in(name, name, ((path.name, path),))


Group = list[tuple[re.Match[str], Path]]


def grouped(
    folder: Path, shape: Callable[[str], re.Match[str] | None], key: Callable[[re.Match[str]], object]
) -> tuple[list[Group], list[Student]]:
    """Children of one shape by student; any other folder or file is somebody's too, lists and notes excepted."""
    groups: dict[object, Group] = {}
    rest = []
    for path in children(folder):
        if match := shape(path.name):
            groups.setdefault(key(match), []).append((match, path))
        elif not is_note(path):
            rest.append(lone(path))
    return list(groups.values()), rest


def common(names: Sequence[str], end: str) -> str:
    """What all names begin with, up to and with the last `end` in it."""
    same = [letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))]
    return "".join(same)[: "".join(same).rfind(end) + 1]
