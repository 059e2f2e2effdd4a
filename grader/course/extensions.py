"""Extensions: a student or a group gets another due date by a CSV or by a person, even before anything is handed in.

A line names one `student` (by id, name or e-mail) or one `group`. It gives either `due`, a time or a day (which means
the end of that day), or `days`, whole calendar days after the run's due date. A student's line overrides the group's,
and an extension that is given on the review page overrides the file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

from grader.course.database import Database
from grader.course.people import fitting
from grader.course.roster import ID_COLUMNS, column, full_name, groups_of, key_of, read_lines
from grader.course.student import alike
from grader.course.times import moment
from grader.errors import UsageError
from grader.model import Student

MOST_DAYS = 1000
DIGITS = 9  # of a number that is read


@dataclass(frozen=True, slots=True)
class Extension:
    """One line, for a `student` or, if that is "", for a `group`: until `due`, or `days` more."""

    student: str
    group: str
    due: datetime | None
    days: int


@dataclass(frozen=True, slots=True)
class Granted:
    """An extension that a person gave."""

    id: int
    extension: Extension
    author: str
    time: datetime
    why: str


def read_extensions(path: Path, zone: tzinfo | None = None) -> list[Extension]:
    """The lines of the CSV. Raises UsageError that names the line and says how to fix it."""
    rows = read_lines(path, "the extensions", "--extensions")
    found: dict[tuple[str, str], Extension] = {}
    for at, row in rows:
        if any(row.values()):
            one = extension(row, where := f"{path}, line {at}", zone)
            if found.setdefault((alike(one.student) if one.student else "", key_of(one.group)), one) is not one:
                raise UsageError(f"{where} names {one.student or one.group} once more; leave one of the two lines")
    if rows and not found:
        raise UsageError(f"{path} names no student and no group; its first line should be student,group,due")
    return list(found.values())


def extension(row: dict[str, str], where: str, zone: tzinfo | None) -> Extension:
    student, group = column(row, *ID_COLUMNS) or full_name(row), next(iter(groups_of(row)), "")
    if not student and not group:
        raise UsageError(f"{where} names no student and no group; use the columns student, group, due and days")
    until, days = column(row, "due", "until", "extended to", "deadline"), column(row, "days")
    due = moment(until, zone)
    if until and due is None:
        raise UsageError(f"{where}: {until} is not a time; write it as 2026-11-27 or 2026-11-27T18:00")
    if bool(until) == bool(days):
        raise UsageError(f"{where} needs either a due date or a number of days; give one of them in `due` or `days`")
    if days and not (days.isascii() and days.isdigit() and len(days) <= DIGITS and int(days) <= MOST_DAYS):
        raise UsageError(f"{where}: {days[:20]} is not a number of days; write a whole number, at most {MOST_DAYS}")
    return Extension(student, "" if student else group, due, int(days or 0))


def extended(
    students: Sequence[Student], extensions: Sequence[Extension], due: datetime | None, zone: tzinfo | None = None
) -> tuple[list[Student], list[str]]:
    """The students with their own due dates, and the names that match no student.

    Raises UsageError if an extension is in days but there is no due date to count from.
    """
    if due is None and any(one.due is None for one in extensions):
        raise UsageError("an extension in days counts from the due date; give the due date with --due TIME")
    given: dict[str, datetime] = {}
    unknown: list[str] = []
    for one in sorted(extensions, key=lambda one: bool(one.student)):  # a student's own line last
        meant = list(those(students, one))
        if not meant:
            unknown.append(one.student or one.group)
        for student in meant:
            given[student.id] = one.due or later(due, one.days, zone)
    return [replace(student, due=given.get(student.id)) for student in students], unknown


def those(students: Sequence[Student], one: Extension) -> Iterator[Student]:
    if one.student:
        found = fitting(students, one.student)
        yield from found if len(found) == 1 else ()
    else:
        group = key_of(one.group)
        yield from (student for student in students if group and group in map(key_of, groups_of(student.ids)))


def later(due: datetime | None, days: int, zone: tzinfo | None) -> datetime:
    """The same clock time, `days` calendar days later."""
    assert due is not None
    by_the_clock = due.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
    return (by_the_clock.replace(tzinfo=zone) if zone else by_the_clock.astimezone()).astimezone(UTC)


def grant(database: Database, one: Extension, *, author: str, why: str) -> None:
    """Record an extension; the last one of a student or group counts. Without `due` and `days` it is taken back."""
    if not (one.student or one.group) or not why.strip() or not author.strip():
        raise UsageError("an extension needs a student or a group, a reason and an author; fill them in")
    if not 0 <= one.days <= MOST_DAYS:
        raise UsageError(f"{one.days} is not a number of days; write a whole number, at most {MOST_DAYS}")
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO extensions (student, team, due, days, author, time, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (one.student, one.group, one.due.astimezone(UTC).isoformat() if one.due else None, one.days, author,
             datetime.now(UTC).isoformat(), why.strip()),
        )  # fmt: skip


def granted(database: Database) -> list[Granted]:
    """The extensions that people gave and that count, the oldest first."""
    query = "SELECT id, student, team, due, days, author, time, reason FROM extensions ORDER BY id"
    found = database.read(granted_of, query)
    given = {(one.extension.student.casefold(), key_of(one.extension.group)): one for one in found}
    return [one for one in given.values() if one.extension.due or one.extension.days]


def granted_of(row: Sequence[Any]) -> Granted:
    id_, student, group, due, days, author, at, why = row
    one = Extension(student, group, datetime.fromisoformat(due) if due else None, days or 0)
    return Granted(id_, one, author, datetime.fromisoformat(at), why)


def by_hand(
    students: Sequence[Student],
    extensions: Sequence[Extension],
    due: datetime | None,
    zone: tzinfo | None,
    known_as: Callable[[str], Collection[str]],
) -> list[Student]:
    """The students with the due dates that people gave, which replace their own. `known_as` gives all ids that a
    student ever had, so a renamed student keeps the date. An extension in days waits until there is a due date."""
    counting = [one for one in extensions if one.due or due]
    earlier = {one.student.casefold(): one for one in counting if one.student}
    found = []
    for student in extended(students, counting, due, zone)[0] if counting else ():
        ids = {id_.casefold() for id_ in known_as(student.id)}
        own = next((earlier[id_] for id_ in ids if id_ in earlier), None)
        found.append(replace(student, due=own.due or later(due, own.days, zone)) if own else student)
    given = {one.id: one.due for one in found}
    return [replace(one, due=given.get(one.id) or one.due) for one in students]
