"""gradebook list and show: points, open questions with their evidence, and all there is on one student."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import tzinfo

from grader.course import pages
from grader.course.caveats import caveats
from grader.course.gradebook import Gradebook, Run, zone_of
from grader.model import LATE_DAYS, CheckResult, ItemResult, Row, Student, Verdict
from grader.report import text
from grader.report.audience import cleaned
from grader.report.text import Printer
from grader.report.wording import (
    SHAPE,
    capped,
    clock,
    judged,
    number,
    on_files,
    points,
    state,
    task_points,
    telling,
    wait,
)

ONLY: dict[str, Callable[[Row], bool]] = {  # choices of `list --only`
    "review": lambda row: state(row) == "needs review",
    "graded": lambda row: state(row) == "graded",
    "not-graded": lambda row: state(row) == "not graded",
    "not-handed-in": lambda row: state(row) == "not handed in",
    "late": lambda row: row.report is not None and row.report.remarks.late_days != 0,
}


def list_(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    rows = [row for row in book.register(run) if is_asked_for(row, arguments)]
    tasks = list(dict.fromkeys(task.id for row in rows if row.report for task in row.report.tasks))
    titles = [f"task {id_}" for id_ in tasks]
    say.table(
        ("student", "name", "points", "of", *titles, "late", "state"),
        ([row.student.id, row.student.name, *sums(row), *by_task(row, tasks), days(row), state(row)] for row in rows),
        numbers=("points", "of", *titles, "late"),
    )
    for row in rows:
        if row.student.problem:
            say(f"{SHAPE[Verdict.RAISED]} {row.student.id}: {row.student.problem}", "red")
    print_waiting(book, run, say, {row.student.id for row in rows})
    for caveat in caveats(book, run, rows):
        say(f"{SHAPE[Verdict.INTERNAL]} {caveat}", "magenta")


def is_asked_for(row: Row, arguments: argparse.Namespace) -> bool:
    """Whether a row passes the filters of `list`."""
    sought = arguments.match.casefold()
    texts = (row.student.id, row.student.name, *row.student.ids.values())
    few = arguments.below is None or (row.report is not None and row.report.final < arguments.below)
    right = arguments.only is None or ONLY[arguments.only](row)
    return few and right and any(sought in text.casefold() for text in texts)


def sums(row: Row) -> tuple[str, str]:
    """Points that count, and the maximum of the judged items."""
    if row.report is None:
        return "", ""
    return points(row.report.final), points(row.report.max_score - row.report.skipped)


def by_task(row: Row, tasks: Sequence[str]) -> list[str]:
    """The points in each task, before the late penalty; "" if nothing in it was judged."""
    report = row.report
    given = {one.id: points(task_points(report, one)) for one in report.tasks if judged(report, one)} if report else {}
    return [given.get(id_, "") for id_ in tasks]


def days(row: Row) -> str:
    """Days late; a question mark if the number is unknown."""
    if row.report is None:
        return ""
    late_days = row.report.remarks.late_days
    return "?" if late_days is None else str(late_days) if late_days else ""


def print_waiting(book: Gradebook, run: Run, say: Printer, students: Collection[str]) -> None:
    """Print what waits for a person, for these students, with the evidence."""
    asked = [one for one in book.waiting(run) if one[0].id in students]
    print_undecided_files(book, [one for one in asked if is_on_files(one[2])], say)
    waiting = [one for one in asked if not is_on_files(one[2])]
    for who, item, check in waiting:
        clean = cleaned(check, "staff")
        say("")
        for question in clean.review or ("a fault of the grader",):
            say(f"{SHAPE[Verdict.INTERNAL]} {who.id} {item.id} {check.name}: {question}", "magenta")
        say(f"    {points(item.score)} of {points(item.max_score)} points until then", "dim")
        for line in evidence(clean):
            say(f"    {line}")
        if page := pages.to_read(book, who.id, run):
            say(f"    see {book.folder / page}", "dim")
    if waiting:
        say("")
        command = f"{book.typed} adjust {waiting[0][0].id} {waiting[0][1].id} POINTS --why TEXT"
        count = "1 waits" if len(waiting) == 1 else f"{len(waiting)} wait"
        say(f"{count} for a person; set the points of each, even if they are right: {command}")


def is_on_files(check: CheckResult) -> bool:
    """Whether it waits for a decision on which file counts."""
    return check.waits and check.verdict is Verdict.SKIPPED


def print_undecided_files(
    book: Gradebook, waiting: Iterable[tuple[Student, ItemResult, CheckResult]], say: Printer
) -> None:
    """Print whose points wait for a decision on which file counts: the candidates, the items, and what to type."""
    asked: dict[tuple[str, str], dict[str, float]] = {}
    for who, item, check in waiting:
        question = on_files(cleaned(check, "staff"))
        asked.setdefault((who.id, question), {})[item.id] = item.max_score
    for (who_id, question), worth in asked.items():
        say("")
        say(f"{SHAPE[Verdict.INTERNAL]} {who_id} {', '.join(worth)}: {question}", "magenta")
        say(f"    {wait(sum(worth.values()))} for this", "dim")
    if asked:
        say("")
        command = f"{book.typed} take {next(iter(asked))[0]} FILE --as NAME"
        many = f"{len(asked)} question{'s' * (len(asked) > 1)} on files"
        say(f"{many}; answer each with {command} and run the batch again, or adjust its items")


def evidence(check: CheckResult) -> Iterator[str]:
    """The check's message, the measurements that matter, and what the code printed."""
    if check.message:
        yield from capped(f"{check.where}: {check.message}" if check.where else check.message, lines=30).split("\n")
    shown, rest, more = telling(check.measures)
    for one in shown:
        yield f"{one.name}: {number(one.value)}, {'at least' if one.at_least else 'below'} {number(one.bound)}"
    yield from [more] if rest else []
    if check.output.strip():
        yield from ("printed:", *capped(check.output).split("\n"))


def show(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    student = book.student(arguments.student, run)
    row = book.row(student.id, run)
    say(f"{student.name} ({student.id}), run {run.id}", "bold")
    for name, value in student.ids.items():
        say(f"{name}: {value}", "dim")
    if student.submitted_at:
        say(f"handed in {clock(student.submitted_at, zone_of(run.late))}")
    if student.due:
        say(f"due {clock(student.due, zone_of(run.late))}, by an extension")
    for path, what in ((student.path, "graded"), *((other, "older, does not count") for other in student.others)):
        if path:
            say(f"{what}: {path}", "dim")
    if row.report is None:
        say(row.student.problem or "nothing was handed in", "red")
    else:
        page = pages.to_read(book, student.id, run)
        shown = text.render(
            row.report, audience="staff", page=book.folder / page if page else None, encoding=say.encoding
        )
        say(shown)
    print_history(book, student.id, say, zone_of(run.late))
    print_waiting(book, run, say, {student.id})


def print_history(book: Gradebook, student: str, say: Printer, zone: tzinfo | None) -> None:
    """Print the adjustments that were replaced or revoked. The report already shows the others."""
    in_force = book.in_force(student).values()
    for one in book.adjustments(student):
        if one.points is None:
            say(f"{clock(one.time, zone)}: {one.item} was taken back by {one.author}, because: {one.why}", "dim")
        elif one not in in_force:
            unit = "days" if one.item == LATE_DAYS else "points"
            told = f"{one.item} was set to {points(one.points)} {unit} by {one.author}, because: {one.why}"
            say(f"{clock(one.time, zone)}: {told}; replaced since", "dim")
