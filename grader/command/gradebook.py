"""grade.py gradebook: shows results and open questions of a class, adjusts points, compares runs, exports grades."""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from grader import rubric
from grader.course import pages, takes
from grader.course.caveats import caveats, late_somehow, partial, waiting
from grader.course.changes import Change
from grader.course.export import canvas, csv, github, gradescope, jsonl, junit, moodle, nbgrader
from grader.course.export.sheet import grade, items, shown
from grader.course.gradebook import Gradebook, Run, zone_of
from grader.errors import UsageError
from grader.files import write as write_file
from grader.model import LATE_DAYS, CheckResult, ItemResult, Row, Rubric, Student, Verdict
from grader.report import text
from grader.report.text import Printer, Terminal
from grader.report.wording import (
    SHAPE,
    account,
    by_hand,
    capped,
    cleaned,
    clock,
    headline,
    judged,
    number,
    points,
    state,
    task_points,
)

Sheet = Callable[[Sequence[Row], Rubric], str]
SHEETS: dict[str, tuple[str, Sheet]] = {
    "csv": ("grades.csv", csv.render),
    "canvas": ("canvas.csv", canvas.render),
    "moodle": ("moodle.csv", moodle.render),
    "nbgrader": ("nbgrader.csv", nbgrader.render),
    "jsonl": ("grades.jsonl", jsonl.render),
    "junit": ("junit.xml", junit.render),
}
EACH: dict[str, tuple[str, Callable[[Row, Rubric], str]]] = {  # a file per submission, in a folder per student
    "gradescope": ("results.json", gradescope.render),
    "github": ("annotations.txt", github.render),
}
TITLED = {"canvas": canvas.render, "nbgrader": nbgrader.render}
EXPORTS = "export"
NO_FILE = "none"  # instead of a file: revokes the earlier take
OWN = Path(__file__).parents[1] / "homework"
ONLY: dict[str, Callable[[Row], bool]] = {  # choices of `list --only`
    "review": lambda row: state(row) == "needs review",
    "graded": lambda row: state(row) == "graded",
    "not-graded": lambda row: state(row) == "not graded",
    "not-handed-in": lambda row: state(row) == "not handed in",
    "late": lambda row: row.report is not None and row.report.remarks.late_days != 0,
}
AS_GRADED = "graded"  # instead of points: revokes the earlier adjustment
WIDE = 400  # columns if there is no terminal, so that no line is wrapped


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py gradebook",
        description="Look at the gradebook of a batch, adjust points, compare runs, export.",
        epilog="exit codes: 0 done, 2 usage",
    )
    root.add_argument("folder", type=Path, metavar="DIR", help="the folder that `grade.py batch --out` filled")
    root.add_argument("--run", type=int, metavar="N", help="an earlier run (default: the last one)")
    root.add_argument("--homework", type=Path, metavar="FOLDER", help="homework folder (default: the run's)")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="everyone's points, and what waits for a person")
    listing.add_argument("--only", choices=ONLY, help="list only students in this state")
    listing.add_argument("--below", type=float, metavar="POINTS", help="list only students with fewer points")
    listing.add_argument(
        "--match", default="", metavar="TEXT", help="list only students with TEXT in an id, name or group"
    )
    show = verbs.add_parser("show", help="everything about one student")
    show.add_argument("student", metavar="STUDENT")
    adjust = verbs.add_parser("adjust", help="change the points of an item, or the number of days `late`")
    adjust.add_argument("student", metavar="STUDENT")
    adjust.add_argument("item", metavar="ITEM", help=f"as 2.1, or `{LATE_DAYS}`")
    adjust.add_argument("points", metavar="POINTS", help=f"or days; `{AS_GRADED}` removes the earlier adjustment")
    adjust.add_argument("--why", required=True, metavar="TEXT", help="the reason; the student reads it")
    adjust.add_argument("--author", metavar="NAME", help="who decided (default: the user of this machine)")
    take = verbs.add_parser("take", help="choose which of a student's files counts, from the next batch on")
    take.add_argument("student", metavar="STUDENT")
    take.add_argument("file", metavar="FILE", help=f"as the report names it; `{NO_FILE}` removes the earlier choice")
    take.add_argument("--as", dest="name", required=True, metavar="NAME", help="the wanted file that it counts as")
    take.add_argument("--why", default="it is the one that counts", metavar="TEXT", help="the student reads it")
    take.add_argument("--author", metavar="NAME", help="who decided (default: the user of this machine)")
    verbs.add_parser("late", help="who was late, and the penalties")
    diff = verbs.add_parser("diff", help="whose points or lateness differ between two runs, and why")
    diff.add_argument("old", type=int, metavar="OLD")
    diff.add_argument("new", type=int, metavar="NEW")
    export = verbs.add_parser("export", help="write the grades as another system takes them")
    export.add_argument("format", choices=[*SHEETS, *EACH], metavar="FORMAT", help=", ".join([*SHEETS, *EACH]))
    export.add_argument("--out", type=Path, metavar="FILE", help=f"file, or folder (default: in DIR/{EXPORTS})")
    export.add_argument("--assignment", default="", metavar="TITLE", help="canvas, nbgrader: the assignment's title")
    return root


def run(arguments: argparse.Namespace) -> int:
    console = Terminal()
    say = Printer(console if console.is_terminal else Terminal(width=WIDE))
    with Gradebook.open(arguments.folder) as book:
        run = book.run(arguments.run)
        VERBS[arguments.verb](book, run, arguments, say)
        if run.part and arguments.verb != "diff":
            say(partial(run), "dim")
    return 0


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
    review(book, run, say, {row.student.id for row in rows})
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


def review(book: Gradebook, run: Run, say: Printer, students: Collection[str]) -> None:
    """Print what waits for a person, for these students, with the evidence."""
    asked = [one for one in book.waiting(run) if one[0].id in students]
    which_file(book, [one for one in asked if is_on_files(one[2])], say)
    waiting = [one for one in asked if not is_on_files(one[2])]
    for who, item, check in waiting:
        clean = cleaned(check, "staff")
        say("")
        for question in clean.review or ("a fault of the grader",):
            say(f"{SHAPE[Verdict.INTERNAL]} {who.id} {item.id} {check.name}: {question}", "magenta")
        say(f"    {points(item.score)} of {points(item.max_score)} points until then", "dim")
        for line in evidence(clean):
            say(f"    {line}")
        page = book.folder / pages.path_of(who.id, "student")
        if page.is_file():
            say(f"    see {page}", "dim")
    if waiting:
        say("")
        command = (
            f"python grade.py gradebook {book.folder} adjust {waiting[0][0].id} {waiting[0][1].id} POINTS --why TEXT"
        )
        say(f"{len(waiting)} wait for a person; set the points of each, even if they are right: {command}")


def is_on_files(check: CheckResult) -> bool:
    """Whether it waits for a decision on which file counts."""
    return check.waits and check.verdict is Verdict.SKIPPED


def which_file(book: Gradebook, waiting: Iterable[tuple[Student, ItemResult, CheckResult]], say: Printer) -> None:
    """Print whose points wait for a decision on which file counts: the candidates, the items, and what to type."""
    asked: dict[tuple[str, str], dict[str, float]] = {}
    for who, item, check in waiting:
        question = re.sub(r"^(?:[\w.]+ imports [\w.]+: )+", "", cleaned(check, "staff").message)
        asked.setdefault((who.id, question), {})[item.id] = item.max_score
    for (who_id, question), worth in asked.items():
        say("")
        say(f"{SHAPE[Verdict.INTERNAL]} {who_id} {', '.join(worth)}: {question}", "magenta")
        say(f"    {points(sum(worth.values()))} points wait for this", "dim")
    if asked:
        say("")
        command = f"python grade.py gradebook {book.folder} take {next(iter(asked))[0]} FILE --as NAME"
        say(f"{len(asked)} questions on files; answer each with {command} and run the batch again, or adjust its items")


def evidence(check: CheckResult) -> Iterator[str]:
    """The check's message, its measurements, and what the code printed."""
    if check.message:
        yield from capped(f"{check.where}: {check.message}" if check.where else check.message, lines=30).split("\n")
    for one in check.measures:
        yield f"{one.name}: {number(one.value)}, {'at least' if one.at_least else 'below'} {number(one.bound)}"
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
        page = book.folder / pages.path_of(student.id, "student")
        shown = text.render(row.report, audience="staff", page=page if page.is_file() else None, encoding=say.encoding)
        say(shown)
    history(book, student.id, say)
    review(book, run, say, {student.id})


def history(book: Gradebook, student: str, say: Printer) -> None:
    """Print the adjustments that were replaced or revoked. The report already shows the others."""
    in_force = book.in_force(student).values()
    for one in book.adjustments(student):
        if one.points is None:
            say(f"{clock(one.time)}: {one.item} was taken back by {one.author}, because: {one.why}", "dim")
        elif one not in in_force:
            unit = "days" if one.item == LATE_DAYS else "points"
            told = f"{one.item} was set to {points(one.points)} {unit} by {one.author}, because: {one.why}"
            say(f"{clock(one.time)}: {told}; replaced since", "dim")


def adjust(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    if arguments.run is not None:
        raise UsageError("an adjustment applies to every run; leave out --run")
    try:
        value = None if arguments.points == AS_GRADED else float(arguments.points)
    except ValueError:
        raise UsageError(f"{arguments.points} is not a number of points; write it as 7.5, or `{AS_GRADED}`") from None
    student = book.student(arguments.student, run).id
    given = book.adjust(student, arguments.item, value, why=arguments.why, author=arguments.author or user())
    try:
        pages.redraw(book, student, run)
        if (book.folder / pages.INDEX).is_file():
            pages.index(book, run, book.register(run))
    except UsageError as error:  # the next batch draws the page again
        print(f"grade.py: notice: the adjustment is recorded; the page could not be drawn: {error}", file=sys.stderr)
    report = book.row(student, run).report
    if report is not None:
        graded = {item.id: item for item in report.items}
        say(f"{student} {arguments.item}: {by_hand(given, graded.get(arguments.item))}")
        say(f"now {headline(report)}{f' ({account(report)})' if account(report) else ''}", "bold")


def take(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    """Record which file counts; the next batch grades it."""
    student = book.student(arguments.student, run).id
    sections = rubric.load(homework_of(run, arguments.homework) / "rubric.yaml").sections
    wanted = [name for section in sections for name in section.submit if not name.startswith("*")]
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
            f"set it with: python grade.py gradebook {book.folder} adjust {unknown[0]} late DAYS --why TEXT"
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


def export(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    if run.part and arguments.run is None:  # partial sums would replace the course's grades
        raise UsageError(f"{partial(run)}, or export this part with --run {run.id}")
    rows = book.register(run)
    plan = rubric.load(homework_of(run, arguments.homework) / "rubric.yaml")
    items(rows, plan)  # raises if the run graded another homework
    if arguments.assignment and arguments.format not in TITLED:
        raise UsageError(f"{arguments.format} does not use an assignment's title; leave out --assignment")
    if arguments.format in SHEETS:
        name, sheet = SHEETS[arguments.format]
        titled = TITLED.get(arguments.format)
        content = titled(rows, plan, arguments.assignment) if titled else sheet(rows, plan)
        path = arguments.out or folder(book.folder / EXPORTS) / name
        write_file(path, content)
    else:
        name, each = EACH[arguments.format]
        path = folder(arguments.out or book.folder / EXPORTS / arguments.format)
        for row in rows:
            if row.report is not None:
                write_file(folder(path / row.student.id) / name, each(row, plan))
    say(f"{arguments.format}: {path}")
    for caveat in (*waiting(book, run), *caveats(book, run, rows)):
        say(f"{SHAPE[Verdict.INTERNAL]} {caveat}", "magenta")
    if missing := [
        row.student.id for row in rows if row.report is None or (arguments.format in SHEETS and grade(row) is None)
    ]:
        say(f"without a grade: {', '.join(missing)}")


def homework_of(run: Run, named: Path | None) -> Path:
    """The folder of the run's homework; `named` overrides it, for example if the folder was moved."""
    return named or Path(run.settings.get("homework") or OWN)


def folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot create {path} ({error.strerror}); choose another path with --out") from None
    return path


VERBS = {"list": list_, "show": show, "adjust": adjust, "take": take, "late": late, "diff": diff, "export": export}
