"""gradebook adjust and take: a person's decisions on points, days late and files."""

from __future__ import annotations

import argparse
import getpass
import sys

from grader import rubric
from grader.command.gradebook.export import homework_of
from grader.course import pages, takes
from grader.course.gradebook import Gradebook, Run
from grader.errors import UsageError
from grader.report.text import Printer
from grader.report.wording import account, by_hand, headline, read_number

AS_GRADED = "graded"  # instead of points: revokes the earlier adjustment
NO_FILE = "none"  # instead of a file: revokes the earlier take


def adjust(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    if arguments.run is not None:
        raise UsageError("an adjustment applies to every run; leave out --run")
    try:
        value = None if arguments.points == AS_GRADED else read_number(arguments.points)
    except ValueError:
        raise UsageError(f"{arguments.points} is not a number of points; write it as 7.5, or `{AS_GRADED}`") from None
    student = book.student(arguments.student, run).id
    given = book.adjust(student, arguments.item, value, why=arguments.why, author=arguments.author or user())
    try:
        pages.redraw(book, student, run)
        if (book.folder / pages.INDEX).is_file():
            pages.write_index(book, run, book.register(run))
    except UsageError as error:  # the next batch draws the page again
        print(f"grade.py: notice: the adjustment is recorded; the page could not be drawn: {error}", file=sys.stderr)
    report = book.row(student, run).report
    graded = {item.id: item for item in report.items} if report else {}
    say(f"{student} {arguments.item}: {by_hand(given, graded.get(arguments.item))}")
    if report is not None:
        say(f"now {headline(report)}{f' ({account(report)})' if account(report) else ''}", "bold")


def take(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    """Record which file counts; the next batch grades it."""
    student = book.student(arguments.student, run).id
    plan = rubric.load(homework_of(run, arguments.homework) / "rubric.yaml")
    wanted = [name for name in plan.wanted if not name.startswith("*")]
    file = None if arguments.file == NO_FILE else arguments.file
    takes.take(
        book.database,
        student,
        book.known_as(student),
        file,
        arguments.name,
        wanted=wanted,
        author=arguments.author or user(),
        why=arguments.why,
    )
    told = f"{file} counts as {arguments.name}" if file else f"the choice of a file for {arguments.name} is removed"
    say(f"{student}: {told}; run the batch again to grade it")


def user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        raise UsageError("your user name is unknown; give your name with --author") from None
