"""gradebook release: shows students the results of a run, or hides them again."""

from __future__ import annotations

import argparse

from grader.command.gradebook.change import user
from grader.course import pages, releases
from grader.course.gradebook import Gradebook, Run, zone_of
from grader.report.text import Printer
from grader.report.wording import clock


def release(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    """The decision is recorded first. If drawing the pages is interrupted, the same command goes on with them."""
    if arguments.log:
        log(book, run, say)
        return
    author = arguments.author or user()
    changed = releases.decide(book, run, arguments.items, released=not arguments.take_back, author=author)
    rows = book.register(run)
    if run.id == book.run().id:
        for row in rows:
            pages.redraw(book, row.student.id, run)
        if (book.folder / pages.INDEX).is_file():
            pages.write_index(book, run, rows)
    what = "taken back" if arguments.take_back else "released"
    say(f"run {run.id}: {what} {', '.join(changed)}" if changed else f"run {run.id}: all of that was {what} already")
    left = releases.held(book, run, rows)
    say(f"students do not see {', '.join(left)}" if left else "students see every item", "bold")
    if changed and arguments.take_back:
        say("what was exported before is with the students still")


def log(book: Gradebook, run: Run, say: Printer) -> None:
    given = releases.decisions(book, run)
    if not given:
        say(f"run {run.id}: nobody has released anything, or taken it back")
    for one in given:
        what = "released" if one.released else "taken back"
        say(f"{clock(one.time, zone_of(run.late))}: {one.item} {what} by {one.author}")
