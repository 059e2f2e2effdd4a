"""Canvas's "Download Submissions" (instructure/canvas-lms, lib/content_zipper.rb).

Names are `namelastfirst[_LATE]_USER_FILE_own-name`; in an anonymous assignment, `[LATE_]anon_ID_FILE_own-name`. A text
or link has no FILE and ends in `text.html` or `link.html`. A group has one name, the group's, with the id of a member.
Canvas writes names in lower case, so `LATE` in capitals is always Canvas's own word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from grader.course.layouts.folder import TYPED, Group, children, grouped, most
from grader.course.student import handed_in, printable
from grader.model import Student

OWN = r"_(?:(?P<file>\d+)_(?P<own>.+)|(?P<text>(?:text|link)\.html))"
NAMED = re.compile(rf"(?:(?P<name>(?!LATE_).*?)_)?(?P<late>LATE_)?(?P<id>\d+){OWN}")
ANONYMOUS = re.compile(rf"(?P<name>)(?P<late>LATE_)?(?P<id>anon_[^\W_]+){OWN}")


def fits(folder: Path) -> bool:
    return most(folder, lambda path: path.is_file() and match(path.name))


def match(name: str) -> re.Match[str] | None:
    """The parts of a file's name. A student called Anon has an id of digits, and no LATE before the name."""
    found = ANONYMOUS.fullmatch(name)
    if found and found["id"].removeprefix("anon_").isdigit() and not found["late"]:
        return NAMED.fullmatch(name) or found
    return found or NAMED.fullmatch(name)


def students(folder: Path, zone: tzinfo | None = None) -> list[Student]:
    """The students. All files of a student are one attempt, because Canvas exports only the last one."""
    names = [path.name for path in children(folder)]
    anonymous = [name for name in names if ANONYMOUS.fullmatch(name)]
    named = [found for name in names if name not in anonymous and (found := NAMED.fullmatch(name))]
    if len(anonymous) > 1 and not named:
        groups, rest = grouped(folder, ANONYMOUS.fullmatch, lambda found: found["id"])
    else:
        twice = ids_of_several(named)
        groups, rest = grouped(folder, lambda name: skip_numbers(match(name), twice), lambda found: found["id"])
    return [*map(student, groups), *rest]


def ids_of_several(found: Sequence[re.Match[str]]) -> set[str]:
    """Numbers that follow several names. They are part of the names, not ids: `team_2_101_9001_hw.zip`."""
    names: dict[str, set[str | None]] = {}
    for one in found:
        names.setdefault(one["id"], set()).add(one["name"])
    return {id_ for id_, called in names.items() if len(called) > 1}


def skip_numbers(found: re.Match[str] | None, not_ids: Collection[str]) -> re.Match[str] | None:
    """The match with the next number as the id, if the first is part of the name."""
    while found and found["id"] in not_ids:
        name = f"{found['name'] or ''}_{found['id']}".lstrip("_")
        shape = re.compile(rf"(?P<name>{re.escape(name)})_(?P<late>LATE_)?(?P<id>\d+){OWN}")
        if (further := shape.fullmatch(found.string)) is None:
            return found
        found = further
    return found


def student(group: Group) -> Student:
    group.sort(key=lambda file: int(file[0]["file"] or 0))
    name, id_ = group[-1][0]["name"], group[-1][0]["id"]
    parts = tuple((found["own"] or found["text"], path) for found, path in group)
    late = any(found["late"] for found, _ in group)
    one = handed_in(f"{name}-{id_}" if name else id_, name or id_, parts, ids={"ID": id_}, marked_late=late)
    typed = all(found["text"] for found, _ in group)
    return replace(one, problem=TYPED.format(printable(group[0][1].name))) if typed and not one.problem else one
