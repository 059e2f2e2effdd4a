"""nbgrader's CSV (nbgrader/plugins/export.py): its columns, UTC times without a zone, lateness in points.

As there, who handed in nothing has zeros and no timestamp. What cannot be read or waits for a person has empty cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from grader.course.export.sheet import cell, grade, possible, shown, table
from grader.course.roster import column
from grader.model import Row, Rubric

HEADER = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email", "raw_score",
          "late_submission_penalty", "score", "max_score")  # fmt: skip

# What nbgrader's own ids are called in a class list, the likeliest first.
STUDENT_ID = ("student_id", "username", "SIS Login ID", "github_username", "Student ID", "SID", "ID number")


def render(rows: Sequence[Row], rubric: Rubric, assignment: str = "") -> str:
    title, most = cell(assignment or rubric.title), shown(possible(rows, rubric))
    return table(HEADER, ([title, *line(row), most] for row in rows))


def line(row: Row) -> list[str]:
    last, first = names(row)
    email = column(row.student.ids, "Email", "Email address", "email")
    return [
        time(row.due),
        time(row.student.submitted_at),
        cell(column(row.student.ids, *STUDENT_ID) or row.student.id),
        cell(last),
        cell(first),
        cell(email),
        *scores(row),
    ]


def scores(row: Row) -> list[str]:
    """Before lateness, what it costs, and after it."""
    if row.report is None and not row.student.problem:
        return ["0", "0", "0"]
    final = grade(row)
    if row.report is None or final is None:
        return ["", "", ""]
    return [shown(row.report.adjusted), shown(row.report.adjusted - final), shown(final)]


def names(row: Row) -> tuple[str, str]:
    """Last and first, from the roster's own columns or from "Last, First" and "First Last"."""
    ids = row.student.ids
    last, first = column(ids, "Last name", "Surname"), column(ids, "First name")
    if last or first:
        return last, first
    if "," in row.student.name:
        last, _, first = row.student.name.partition(",")
    else:
        first, _, last = row.student.name.rpartition(" ")
    return last.strip(), first.strip()


def time(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if at else ""
