"""Extensions: a CSV that gives a student or a group another due date, even before anything is handed in.

A line names one `student` (by id, name or e-mail) or one `group`. It gives either `due`, a time or a day (which means
the end of that day), or `days`, whole calendar days after the run's due date. A student's line overrides the group's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from grader.course.people import fitting
from grader.course.roster import ID_COLUMNS, column, full_name, groups_of, key_of, read_table
from grader.course.times import moment
from grader.errors import UsageError
from grader.model import Student

MOST_DAYS = 1000


@dataclass(frozen=True, slots=True)
class Extension:
    """One line, for a `student` or, if that is "", for a `group`: until `due`, or `days` more."""

    student: str
    group: str
    due: datetime | None
    days: int


def read_extensions(path: Path, zone: tzinfo | None = None) -> list[Extension]:
    """The lines of the CSV. Raises UsageError that names the line and says how to fix it."""
    rows = read_table(path, "the extensions", "--extensions")
    found = [extension(row, f"{path}, line {at}", zone) for at, row in enumerate(rows, 2) if any(row.values())]
    if rows and not found:
        raise UsageError(f"{path} names no student and no group; its first line should be student,group,due")
    return found


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
    if days and not (days.isascii() and days.isdigit() and int(days) <= MOST_DAYS):
        raise UsageError(f"{where}: {days} is not a number of days; write a whole number, at most {MOST_DAYS}")
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
