"""Moodle's "Download all submissions" (moodle/moodle, mod/assign/classes/downloader.php).

There is a folder `Full name_PARTICIPANT_assignsubmission_file` per student, or all files are in one folder. For a
group, name and number are the group's, and no participant has this number; the default group has no number. If names
are hidden, the name is the word for a participant.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import TYPED, Group, grouped, most
from grader.course.student import handed_in, printable
from grader.model import Student

SHAPE = re.compile(
    r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_(?P<kind>file|onlinetext|comments)(?:_(?P<own>.*))?"
)


def fits(folder: Path) -> bool:
    return most(folder, lambda path: SHAPE.fullmatch(path.name))


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    groups, rest = grouped(folder, SHAPE.fullmatch, lambda found: found["name"] if not found["id"] else found["id"])
    return [*map(student, groups), *rest]


def student(group: Group) -> Student:
    name, id_ = group[0][0]["name"], group[0][0]["id"]
    parts = tuple((found["own"] or path.name, path) for found, path in group)
    ids = {"Identifier": f"Participant {id_}"} if id_ else {}
    one = handed_in(f"{name}-{id_}" if id_ else name, name, parts, ids=ids)
    typed = all(found["kind"] == "onlinetext" for found, _ in group)
    return replace(one, problem=TYPED.format(printable(group[0][1].name))) if typed and not one.problem else one
