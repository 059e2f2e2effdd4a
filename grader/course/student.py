"""Creates the students of a class with safe ids, and picks the newest of several submissions."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import lru_cache
from itertools import count as count_from
from pathlib import Path

from grader.course.times import moment
from grader.model import Parts, Student


def handed_in(
    id: str,
    name: str,
    parts: Parts,
    *,
    ids: Mapping[str, str] | None = None,
    marked_late: bool | None = None,
) -> Student:
    """A student from a platform's export. `id` and `name` may be hostile."""
    path = os.fsencode(parts[0][1]).decode("utf-8", "backslashreplace") if parts else None
    known = {kind: printable(value) for kind, value in (ids or {}).items() if value}
    spelled = exactly(id) if id in (ids or {}).values() else safe(id)
    links = [printable(label) for label, way in parts if is_link(way)]
    problem = f"{links[0]} is a link, which is not followed; put the work itself there" if links else ""
    parts = tuple((label, way) for label, way in parts if not is_link(way))
    return Student(spelled, printable(name), known, path, marked_late=marked_late, problem=problem, parts=parts,
                   own_id=id)  # fmt: skip


def is_link(path: Path) -> bool:
    """Whether a student's folder or file is a link, which may lead to another's work or out of the class's folder."""
    junction = getattr(path, "is_junction", lambda: False)  # Windows's, from Python 3.12 on
    return path.is_symlink() or bool(junction())


def with_time(student: Student, told: object, zone: tzinfo | None = None) -> Student:
    """The student with the platform's submission time. If it cannot be read, its text is kept in `ids`."""
    at = moment(told, zone)
    if at is None and told:
        return replace(student, ids={**student.ids, SUBMITTED_AT: printable(str(told))})
    return replace(student, submitted_at=at)


SUBMITTED_AT = "submitted_at"


def merged(students: Iterable[Student]) -> list[Student]:
    """Each student once, with the newest submission; the others are listed. Ids are compared as the platform has them:
    two of them may have one safe spelling."""
    groups: dict[tuple[str, str], list[Student]] = {}
    for one in students:
        groups.setdefault((one.own_id or one.id, one.name.casefold()), []).append(one)
    return [newest(group) for group in groups.values()]


def newest(group: Sequence[Student]) -> Student:
    """The newest submission of a student; it lists the others."""
    *older, last = sorted(group, key=age)
    others = (*(name for one in older for name, _ in one.parts), *(name for one in group for name in one.others))
    return replace(last, others=tuple(printable(name) for name in others))


def age(student: Student) -> tuple[float, str]:
    """A sort key: the platform's time, else the file's own time."""
    try:
        own = max((path.stat().st_mtime for _, path in student.parts), default=0.0)
    except OSError:
        own = 0.0
    last = student.parts[-1][0] if student.parts else ""
    return (student.submitted_at.timestamp() if student.submitted_at else own, last)


def unique(students: Sequence[Student]) -> list[Student]:
    """The students with unique ids, even on a file system that ignores case. They are ASCII, so Unicode
    normalization does not matter."""
    count = Counter(one.id.casefold() for one in students)
    taken = {id_ for id_, times in count.items() if times == 1}
    found = []
    for one in students:
        if count[one.id.casefold()] > 1:
            one = replace(one, id=next(id_ for id_ in spellings(one) if id_.casefold() not in taken))
            taken.add(one.id.casefold())
        found.append(one)
    return found


def spellings(one: Student) -> Iterator[str]:
    """Other ids for a student whose own id another student has, too: from the platform's id and the name, which stay
    the same in later runs; then from all that is known; then from a number."""
    whole = f"{sorted(one.ids.items())} {one.parts and one.parts[-1][0]}"
    for told in (f"{one.own_id} {one.name}", f"{one.own_id} {one.name} {whole}"):
        yield f"{one.id[:LONGEST]}-{short(told)}"
    yield from (f"{one.id[:LONGEST]}-{number}" for number in count_from(2))


def exactly(id: str) -> str:
    """A safe id for an id of a platform. No other id of that platform gets the same one, in this run or a later one. An
    id with a space is a name; `unique` tells equal names apart."""
    spelled = safe(id)
    return spelled if spelled == id or " " in id else f"{spelled[:LONGEST]}-{short(id)}"


@lru_cache(maxsize=1 << 16)
def alike(id: str) -> str:
    """An id without what case and Unicode form add. Ids that only differ in these, such as Excel's and a folder's,
    become equal."""
    return unicodedata.normalize("NFC", printable(id)).lower()


def safe(name: str) -> str:
    """A safe id for a hostile name: only letters, digits and . - _ @, which have no special meaning in file names,
    pages and spreadsheets."""
    plain_letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    kept = re.sub(r"[^A-Za-z0-9._@]+", "-", plain_letters).strip("-._@")
    if kept.split(".")[0].casefold() in RESERVED:
        kept = f"student-{kept}"
    another = not kept or len(kept) > LONGEST or kept.casefold().endswith(STAFF)
    return f"{kept[:LONGEST] or 'student'}-{short(name)}" if another else kept


LONGEST = 60
STAFF = ".staff"  # how the names of pages for staff end: see pages.py
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}  # on Windows


def short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:6]


def printable(name: str) -> str:
    """A name for display: one line of at most 120 printable characters. Any white space becomes a space."""
    text = "".join(" " if char.isspace() else char for char in name)
    text = text.encode("utf-8", "replace").decode()
    return "".join(char for char in text if char.isprintable())[:120].strip() or "(no name)"
