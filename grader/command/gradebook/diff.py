"""gradebook diff: whose points or lateness differ between two runs, and why."""

from __future__ import annotations

import argparse

from grader.course.changes import Change
from grader.course.export.sheet import shown
from grader.course.gradebook import Gradebook, Run
from grader.report.text import Printer
from grader.report.wording import points


def diff(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    changes = book.diff(book.run(arguments.old), book.run(arguments.new))
    if changes:
        say.table(
            ("student", "item", "before", "after", "why"),
            ((one.student, one.item, shown(one.before), shown(one.after), cause(book, one)) for one in changes),
            numbers=("before", "after"),
        )
    students = len({one.student for one in changes})
    say(f"{len(changes)} item{'s' * (len(changes) != 1)} of {students} student{'s' * (students != 1)} changed")


def cause(book: Gradebook, change: Change) -> str:
    """Why the graded points changed, and whether an adjustment overrides them."""
    given = book.in_force(change.student).get(change.item)
    if given is None or given.points is None:
        return change.why
    return f"{change.why}; adjusted to {points(given.points)} by {given.author}, which still counts"
