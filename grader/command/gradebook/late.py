"""gradebook late: who was late, and what it costs."""

from __future__ import annotations

import argparse

from grader.command.gradebook.listing import days
from grader.course.caveats import late_somehow
from grader.course.gradebook import Gradebook, Run, zone_of
from grader.errors import UsageError
from grader.model import Row
from grader.report.text import Printer
from grader.report.wording import clock, points


def late(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    rows = [row for row in book.register(run) if row.report and row.report.remarks.late_days != 0]
    if run.due is None and not rows:
        raise UsageError(f"run {run.id} has no due date; run the batch again with --due TIME; results are reused")
    if run.due is not None:
        say(f"due {clock(run.due, zone_of(run.late))}; {policy(run)}")
    for row in rows:
        if row.student.due:
            say(f"{row.student.id}: due {clock(row.student.due, zone_of(run.late))}, by an extension")
    say.table(
        ("student", "handed in", "days", "costs", "points", "name"),
        (delay(row, run) for row in rows), numbers=("days", "costs", "points"),
    )  # fmt: skip
    if unknown := late_somehow(rows):
        say(
            "? means late by an unknown number of days; "
            f"set it with: {book.typed} adjust {unknown[0]} late DAYS --why TEXT"
        )


def delay(row: Row, run: Run) -> tuple[str, ...]:
    assert row.report is not None
    at = clock(row.student.submitted_at, zone_of(run.late)) if row.student.submitted_at else ""
    cost = f"{points(row.report.adjusted - row.report.final)}"
    return row.student.id, at, days(row), cost, points(row.report.final), row.student.name


def policy(run: Run) -> str:
    if run.late is None:
        return "lateness costs nothing, because rubric.yaml has no `late`"
    given = run.late
    where = f"; days of {given.timezone}" if given.timezone else ""
    return f"{given.per_day:g} % a day, at most {given.cap:g} %, nothing within {given.grace_hours:g} h{where}"
