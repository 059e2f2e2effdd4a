"""nbgrader's `submitted/STUDENT/ASSIGNMENT` with the time in `timestamp.txt`, and its exchange's `inbound` folder.

In `inbound`, a submission is a folder `STUDENT+ASSIGNMENT+TIME+RANDOM` (nbgrader/exchange/default/submit.py).
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from pathlib import Path

from grader.course.layouts.folder import children, is_note, lone, most
from grader.course.student import handed_in, with_time
from grader.errors import UsageError
from grader.model import Student

STAMP = "timestamp.txt"
INBOUND = re.compile(r"(?P<student>[^+]+)\+(?P<assignment>[^+]+)\+(?P<at>\d{4}-[^+]+?)(?:\+[^+]*)?")
LONGEST = 200  # bytes of a time


def fits(folder: Path) -> bool:
    return most(folder, is_submitted) or most(folder, lambda path: INBOUND.fullmatch(path.name))


def is_submitted(path: Path) -> bool:
    try:
        return path.is_dir() and any((below / STAMP).is_file() for below in path.iterdir() if below.is_dir())
    except OSError:
        return False  # an unreadable folder must not affect other students


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """Everyone's submission of the assignment. Raises UsageError if there are several assignments."""
    inside = [path for path in children(folder) if not is_note(path)]
    inbound = {path: found for path in inside if (found := INBOUND.fullmatch(path.name))}
    submitted = {path: below for path in inside if path.is_dir() and path not in inbound and is_submitted(path)
                 for below in children(path) if below.is_dir()}  # fmt: skip
    assignments = {below.name for path in submitted for below in children(path) if below.is_dir()}
    assignments |= {found["assignment"] for found in inbound.values()}
    if len(assignments) > 1:
        raise UsageError(
            f"{folder} contains several assignments: {', '.join(sorted(assignments)[:6])}; "
            "copy the one to grade into a new folder, as submitted/STUDENT/ASSIGNMENT"
        )
    return [
        *(submission(path.name, below, at(below)) for path, below in submitted.items()),
        *(submission(found["student"], path, at(path) or found["at"]) for path, found in inbound.items()),
        *(lone(path) for path in inside if path not in submitted and path not in inbound),
    ]


def submission(user: str, path: Path, told: str) -> Student:
    one = handed_in(user, user, ((path.name, path),), ids={"student_id": user})
    return with_time(one, told.strip(), UTC)  # nbgrader's times without a zone are UTC


def at(folder: Path) -> str:
    """The text of the timestamp that nbgrader wrote beside the work, or ""."""
    stamp = folder / STAMP
    try:
        return stamp.read_bytes()[:LONGEST].decode("utf-8", "replace") if stamp.is_file() else ""
    except OSError:
        return ""
