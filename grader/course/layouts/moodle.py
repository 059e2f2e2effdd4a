"""Moodle's "Download all submissions" (moodle/moodle, mod/assign/classes/downloader.php).

There is a folder `Full name_PARTICIPANT_assignsubmission_file` per student, or all files are in one folder. For a
group, name and number are the group's, and no participant has this number; the default group has no number. If names
are hidden, the name is the word for a participant.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import Group, grouped, most
from grader.course.student import handed_in
from grader.model import Student

SHAPE = re.compile(r"(?P<name>.+?)(?:_(?P<id>\d+))?_assignsubmission_(?:file|onlinetext|comments)(?:_(?P<own>.*))?")


def fits(folder: Path) -> bool:
    return most(folder, lambda path: SHAPE.fullmatch(path.name))


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    groups, rest = grouped(folder, SHAPE.fullmatch, lambda found: found["name"] if not found["id"] else found["id"])
    return [*map(student, groups), *rest]


def student(group: Group) -> Student:
    name, id_ = group[0][0]["name"], group[0][0]["id"]
    parts = tuple((found["own"] or path.name, path) for found, path in group)
    if not id_:
        return handed_in(name, name, parts)
    return handed_in(f"{name}-{id_}", name, parts, ids={"Identifier": f"Participant {id_}"})
