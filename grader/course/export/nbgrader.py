"""nbgrader's CSV (nbgrader/plugins/export.py): its columns, UTC times without a zone, the late penalty in points.

As in nbgrader, students who handed in nothing have zeros and no timestamp. Cells are empty if the work cannot be read
or waits for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from grader.course.export.sheet import cell, grade, possible, shown, table
from grader.course.roster import EMAIL_COLUMNS, FIRST_NAMES, LAST_NAMES, column
from grader.model import Row, Rubric

HEADER = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
          "late_submission_penalty", "score", "max_score")  # fmt: skip

# Columns of a class list that may hold nbgrader's own ids, the most likely first.
STUDENT_ID = ("student_id", "username", "SIS Login ID", "github_username", "Student ID", "SID", "ID number")
OWN_ID = "id"  # in nbgrader's own list of students, spelled so; Canvas's and Moodle's ID is another number


def render(rows: Sequence[Row], rubric: Rubric, assignment: str = "") -> str:
    title, most = cell(assignment or rubric.title), shown(possible(rows, rubric))
    return table(HEADER, ([title, *line(row), most] for row in rows))


def line(row: Row) -> list[str]:
    last, first = names(row)
    email = column(row.student.ids, *EMAIL_COLUMNS)
    return [
        time(row.due),
        time(row.student.submitted_at),
        cell(column(row.student.ids, *STUDENT_ID) or row.student.ids.get(OWN_ID) or row.student.id),
        cell(last),
        cell(first),
        cell(email),
        *scores(row),
    ]


def scores(row: Row) -> list[str]:
    """Points before the late penalty, the penalty, and points after it."""
    if row.report is None and not row.student.problem:
        return ["0", "0", "0"]
    final = grade(row)
    if row.report is None or final is None:
        return ["", "", ""]
    return [shown(row.report.adjusted), shown(row.report.adjusted - final), shown(final)]


def names(row: Row) -> tuple[str, str]:
    """Last and first name, from the class list's columns or from "Last, First" or "First Last"."""
    ids = row.student.ids
    last, first = column(ids, *LAST_NAMES), column(ids, *FIRST_NAMES)
    if last or first:
        return last, first
    if "," in row.student.name:
        last, _, first = row.student.name.partition(",")
    else:
        first, _, last = row.student.name.rpartition(" ")
    return last.strip(), first.strip()


def time(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else ""
