"""Brightspace's (D2L's) download of an assignment: `USER-FOLDER - Name - Nov 20, 2026 1105 PM`, a folder per attempt.

Older versions append the file's own name instead. For a group, the name is the group's.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import Group, grouped, most
from grader.course.student import handed_in, with_time
from grader.model import Student

SHAPE = re.compile(
    r"(?P<id>\d+)-(?P<folder>\d+)\s*-\s*(?P<name>.+?)\s*-\s+(?P<at>(?=[^-]*\b\d{4}\b)[^-]*?\d{3,4}(?:\s*[AaPp]\.?[Mm]\.?)?)"
    r"(?:\s+-\s+(?P<own>.+))?"
)
NO_COLON = re.compile(r"\b(\d{1,2})(\d\d)(\s*[AaPp]\.?[Mm]\.?)?$")  # a time without its colon, as in file names


def fits(folder: Path) -> bool:
    return most(folder, lambda path: SHAPE.fullmatch(path.name))


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """One Student per attempt. If a student has several, the newest counts."""
    groups, rest = grouped(folder, SHAPE.fullmatch, lambda found: (found["id"], found["name"], found["at"]))
    return [*(attempt(group, zone) for group in groups), *rest]


def attempt(group: Group, zone: tzinfo | None) -> Student:
    found = group[0][0]
    parts = tuple((match["own"] or path.name, path) for match, path in group)
    one = handed_in(f"{found['name']}-{found['id']}", found["name"], parts, ids={"Brightspace user": found["id"]})
    return with_time(one, NO_COLON.sub(r"\1:\2\3", found["at"]), zone)
