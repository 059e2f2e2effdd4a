"""Autolab's "Download Submissions": a file `EMAIL_VERSION_handin-name` per version (app/models/submission.rb)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import Group, grouped, most
from grader.course.student import handed_in, printable
from grader.model import Student

SHAPE = re.compile(r"(?P<email>[^@]+@[^@]+?)_(?P<version>\d+)_(?P<own>.+)")


def fits(folder: Path) -> bool:
    return most(folder, lambda path: SHAPE.fullmatch(path.name))


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """The highest version of each student; the others are listed."""
    groups, rest = grouped(folder, SHAPE.fullmatch, lambda found: found["email"].casefold())
    return [*map(student, groups), *rest]


def student(group: Group) -> Student:
    group.sort(key=lambda file: int(file[0]["version"]))
    found, path = group[-1]
    one = handed_in(found["email"], found["email"], ((path.name, path),), ids={"Email": found["email"]})
    return replace(one, others=tuple(printable(older.name) for _, older in group[:-1]))
