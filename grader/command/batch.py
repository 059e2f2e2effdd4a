"""grade.py batch: grades a whole class. A run can be resumed, and only changed work is graded again."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from pathlib import Path, PurePosixPath
from typing import Any

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.text import Text

from grader.course import database, pages, takes
from grader.course.batch import Batch, Progress
from grader.course.caveats import STAND_INS, caveats, named, waiting
from grader.course.class_folder import LAYOUTS, expect_outside, hidden, lone_entry, recognise
from grader.course.class_list import in_another_form
from grader.course.cluster import Cluster
from grader.course.export import moodle
from grader.course.extensions import by_hand, extended, granted, read_extensions
from grader.course.folder_lock import claim
from grader.course.gradebook import Gradebook, Run, zone_of
from grader.course.job import Place, homework_at
from grader.course.pool import Pool, Workers, choose_width
from grader.course.result_keys import Terms
from grader.course.times import YEARS, to_its_end
from grader.data import datasets
from grader.errors import UsageError
from grader.files import PAGE, check_place
from grader.model import Homework, Row, Student, Verdict
from grader.report.audience import Audience
from grader.report.progress import live
from grader.report.text import Printer, Terminal
from grader.report.wording import SHAPE, clock, on_files

GRADED, FAULT, INTERRUPTED = 0, 3, 130
PATHS = ("folder", "roster", "extensions", "data_root", "homework")
# The options that a run stores and --resume uses again: all except those that say where to grade and how many at once.
ASKED = (*PATHS, "only", "layout", "audience", "no_html", "after_due", "full", "unverified", "allow_unsafe", "fresh")


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py batch",
        description="Grade a whole class. If you run it again, it grades only what is new or has changed.",
        epilog="exit codes: 0 graded, 2 usage, 3 a fault of the grader (needs review), 130 interrupted",
    )
    root.add_argument("folder", type=Path, metavar="FOLDER", help="all submissions, as the platform exports them")
    root.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the gradebook and reports")
    root.add_argument(
        "--task", dest="only", action="append", default=[], metavar="ID", help="only this task or item; repeatable"
    )
    root.add_argument("--roster", type=Path, metavar="CSV", help="class list, with ids; finds who handed in nothing")
    root.add_argument("--layout", choices=LAYOUTS, help="the layout of FOLDER, if it is not recognised")
    root.add_argument(
        "--due", metavar="TIME", help="due date, as 2026-11-20T23:59 or with +01:00; see `late` in the rubric"
    )
    root.add_argument("--extensions", type=Path, metavar="CSV",
                      help="other due dates, by student or group (default: the last run's)")  # fmt: skip
    root.add_argument("--jobs", type=int, metavar="N", help="submissions graded at a time (default: one per core)")
    root.add_argument("--scheduler", metavar="ADDRESS", help="grade on a Dask cluster, as tcp://HOST:8786")
    root.add_argument("--resume", action="store_true", help="continue the last run with its options")
    root.add_argument("--fresh", action="store_true", help="grade everything again, even unchanged work")
    root.add_argument("--again", action="append", default=[], metavar="STUDENT",
                      help="grade this student again, even unchanged work; repeatable")  # fmt: skip
    root.add_argument(
        "--seed", type=seed, metavar="N", help="seed of the random inputs (default: that of the first run)"
    )
    root.add_argument("--no-html", action="store_true", help="write no new HTML reports; existing ones are updated")
    root.add_argument("--audience", choices=["student", "staff"],
                      help="staff: also write a second report, with faults of the grader in full")  # fmt: skip
    root.add_argument("--after-due", action="store_true",
                      help="show students what the rubric keeps until the work is due")  # fmt: skip
    root.add_argument("--full", action="store_true", help="train to the end, even after the bar is reached")
    root.add_argument("--data-root", type=Path, metavar="FOLDER",
                      help="folder with data sets (default: BACKGRADE_DATA, or a cache folder)")  # fmt: skip
    root.add_argument("--unverified", action="store_true", help="use data that is not official; reports say so")
    root.add_argument("--allow-unsafe", action="store_true", help="grade even if student code cannot be fully confined")
    root.add_argument("--homework", type=Path, metavar="FOLDER", help="another homework's folder")
    return root


def seed(text: str) -> int:
    """Read a seed. Raises ValueError for a number that the gradebook cannot store, too."""
    if not -(1 << 63) <= (number := int(text)) < 1 << 63:
        raise ValueError
    return number


def refuse_misplaced(arguments: argparse.Namespace) -> None:
    """Raise UsageError if the output would lie among the submissions, or would replace a page of somebody else's."""
    expect_outside(arguments.out, arguments.folder)
    if (arguments.out / pages.INDEX).is_file():
        check_place(arguments.out / pages.INDEX, PAGE)


def run(arguments: argparse.Namespace) -> int:
    jobs = choose_width(arguments.jobs)
    refuse_misplaced(arguments)
    due(arguments.due)
    arguments = as_started(arguments) if arguments.resume else arguments
    datasets.check_root(arguments.data_root)
    homework = homework_at(arguments.homework and arguments.homework.resolve())
    zone = zone_of(homework.rubric.late)
    students = recognise(arguments.folder, arguments.layout, arguments.roster, zone)
    check_known(arguments.again, students)
    if not (arguments.out / database.FILE).exists():
        planned(arguments, (), homework)  # what is refused leaves no gradebook without a run
    with Gradebook.create(arguments.out) as book, claim(arguments.out) as scratch:
        with live(told, view) as show:  # it must end before anything else is printed, because it erases lines
            workers = Cluster(arguments.scheduler) if arguments.scheduler else Pool(jobs, scratch, homework.folder)
            batch = prepare(arguments, book, workers, show)
            students, unknown = with_extensions(book, batch.run, students, zone)
            if batch.made_up:
                tasks = f"task{'s' * (len(batch.made_up) > 1)} {' and '.join(batch.made_up)}"
                print(f"grade.py: notice: {tasks} on {STAND_INS}", file=sys.stderr)
            try:
                progress = batch.grade(students)
            except KeyboardInterrupt:
                kept = f"{batch.progress.done} of {batch.progress.total} are graded and recorded"
                print(f"grade.py: interrupted; {kept}; continue with --resume", file=sys.stderr)
                return INTERRUPTED
        rows = book.register(batch.run)
        if not arguments.no_html or (arguments.out / pages.INDEX).is_file():
            pages.write_index(book, batch.run, rows)
        told_last = [*several(book, rows, homework), *strays(arguments, students), *not_extended(batch.run, unknown)]
        print_summary(book, batch.run, rows, progress, told_last)
    return FAULT if progress.faults else GRADED


def prepare(
    arguments: argparse.Namespace, book: Gradebook, workers: Workers, show: Callable[[Progress], None]
) -> Batch:
    """The run to execute: a new one, or with --resume the last one."""
    place = Place(*(path and path.resolve() for path in (arguments.homework, arguments.data_root)))
    run = (
        book.run()
        if arguments.resume
        else book.begin(**planned(arguments, book.runs()[-1:], homework_at(place.homework)))
    )
    terms = Terms(run.seed, tuple(arguments.only), arguments.full, arguments.unverified, arguments.allow_unsafe)
    for_staff = arguments.audience == "staff" or book.released(run) is not None  # what students do not see, staff do
    audiences: tuple[Audience, ...] = ("student", "staff") if for_staff else ("student",)
    return Batch(
        book, run, place, terms, workers=workers, audiences=() if arguments.no_html else audiences,
        fresh=arguments.fresh, again=arguments.again, show=show,
    )  # fmt: skip


def check_known(again: Sequence[str], students: Sequence[Student]) -> None:
    """Raise UsageError for a student of --again who is not in the class."""
    if unknown := sorted(set(again) - {one.id for one in students}):
        raise UsageError(f"--again names {named(unknown)}, and the class has no such student; use the ids of `list`")


def with_extensions(
    book: Gradebook, run: Run, students: Sequence[Student], zone: tzinfo | None
) -> tuple[list[Student], list[str]]:
    """The students with their extensions, and the names in the file that match no student."""
    path = run.settings.get("extensions")
    students, unknown = extended(students, read_extensions(Path(path), zone) if path else [], run.due, zone)
    return by_hand(students, [one.extension for one in granted(book.database)], run.due, zone, book.known_as), unknown


def not_extended(run: Run, unknown: Sequence[str]) -> Iterator[str]:
    if unknown:
        path = run.settings["extensions"]
        yield f"{named(unknown)}: {path} names them, but the class has no clear match; use their ids in that file"


def planned(arguments: argparse.Namespace, last: Sequence[Run], homework: Homework) -> dict[str, Any]:
    """The options of a new run. Its seed and due date are those of the last run, unless others are given.

    Raises UsageError for options that no run can have.
    """
    from grader.grading import expect_known

    expect_known(homework, arguments.only)
    zone = zone_of(homework.rubric.late)
    drawn, at = arguments.seed, due(arguments.due, zone)
    if arguments.extensions is None and last and last[0].settings.get("extensions"):
        arguments.extensions = Path(last[0].settings["extensions"])
    if drawn is None:
        drawn = last[0].seed if last else homework.answers.draw_seed()
    if at is None and last:
        at = last[0].due
    if arguments.extensions is not None:
        extended((), read_extensions(arguments.extensions, zone), at, zone)  # no run begins with a mistake in it
    settings = asked(arguments) | {"release": homework.rubric.release}
    return {"seed": drawn, "due": at, "late": homework.rubric.late, "settings": settings}


def asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """The run's options as JSON values."""
    values = {name: getattr(arguments, name) for name in ASKED}
    return {name: str(value.resolve()) if isinstance(value, Path) else value for name, value in values.items()}


def as_started(arguments: argparse.Namespace) -> argparse.Namespace:
    """The options of the last run, to continue it. Raises UsageError if the command line contradicts them."""
    with Gradebook.open(arguments.out) as book:
        run = book.run()
    if run.ended is not None:
        raise UsageError(f"run {run.id} is finished, so there is nothing to resume; leave out --resume")
    before = {**run.settings, "seed": str(run.seed), "due": run.due}
    typed = {
        **asked(arguments),
        "seed": "" if arguments.seed is None else str(arguments.seed),
        "due": due(arguments.due, zone_of(run.late)),
    }
    for name, value in before.items():
        given = typed.get(name)
        if name == "folder" and given != value:
            raise UsageError(f"run {run.id} graded the class in {value}; name that folder, or leave out --resume")
        if given and given != value:
            flag = "task" if name == "only" else name.replace("_", "-")
            raise UsageError(f"--resume continues run {run.id} with its own options; leave out --{flag}")
    for name in ("roster", "extensions"):
        if (path := run.settings.get(name)) and not Path(path).is_file():
            raise UsageError(f"run {run.id} used {path}, which is gone; put it back, or leave out --resume")
    settings = {name: Path(value) if value and name in PATHS else value for name, value in run.settings.items()}
    return argparse.Namespace(**{**vars(arguments), **settings})


def due(text: str | None, zone: tzinfo | None = None) -> datetime | None:
    """Read a due date. A day without a time means its end; a time without a zone is in the course's zone."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(to_its_end(text.strip()))
        at = (at.replace(tzinfo=zone) if zone and at.tzinfo is None else at).astimezone()
        if at.year in YEARS:
            return at
        raise ValueError
    except (ValueError, OverflowError):
        raise UsageError(
            f"--due {text} is not a time; write it as 2026-11-20T23:59 or 2026-11-20T23:59+01:00"
        ) from None


# Progress messages


def view(progress: Progress) -> Group:
    bar = ProgressBar(total=max(progress.total, 1), completed=progress.done, width=40)
    return Group(Text(told(progress)), bar)


def told(progress: Progress) -> str:
    parts = [f"{progress.done} of {progress.total}"]
    parts += [f"{progress.failed} with a problem"] if progress.failed else []
    parts += [f"{len(progress.faults)} faults of the grader"] if progress.faults else []
    parts += [f"{len(progress.running)} running"] if progress.running else []
    parts += ["no workers yet"] if progress.idle else []
    parts += [f"about {span(progress.left)} left"] if progress.left is not None else []
    if progress.running:
        slowest, seconds = progress.running[0]
        parts += [f"slowest {slowest}, {span(seconds)}"]
    return "; ".join(parts)


def span(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def strays(arguments: argparse.Namespace, students: Sequence[Student]) -> Iterator[str]:
    """Warnings about work in the class's folder that belongs to no student, or was skipped."""
    other = [one.id for one in students if not one.unlisted and one.parts and in_another_form(one)]
    if arguments.roster and other:
        yield f"{named(other)}: found in the class list by an id in another Unicode form (é as one character or as two)"
    known = arguments.roster and not any(one.unlisted for one in students)
    if not known and (below := lone_entry(arguments.folder, arguments.layout)) is not None:
        cure = "name that folder" if below.is_dir() else "unpack it, and name the folder with all submissions"
        yield f"{below} was graded as one student's work; if it contains the class, {cure}"
    people = [one.ids for one in students]
    if arguments.roster and any(moodle.IDENTIFIER in ids for ids in people) and not moodle.of_worksheet(people):
        yield f"the class list is not Moodle's grading worksheet; to export to Moodle, {moodle.CURE}"
    if left_out := hidden(arguments.folder, arguments.layout):
        yield f"{named(left_out)}: skipped, because the name begins with a dot; rename it if it is a submission"


def files_in_question(rows: Sequence[Row]) -> Iterator[str]:
    """Students whose points wait for a decision on which file counts, with the candidates."""
    for row in rows:
        asked: dict[str, None] = {}
        for check in row.report.checks if row.report else ():
            if check.waits and check.verdict is Verdict.SKIPPED:
                asked |= {on_files(check): None}
        yield from (f"{row.student.id}: {question}" for question in asked)


def several(book: Gradebook, rows: Sequence[Row], homework: Homework) -> Iterator[str]:
    """Those of whom a file waits and lies in several folders, as in an archive with the work of several students."""
    found = []
    for row in rows:
        paths = map(PurePosixPath, takes.seen(book.database, row.student.id) if any(files_in_question([row])) else ())
        names = Counter(name for name, _ in {(path.name, path.parent) for path in paths})
        found += [row.student.id] if any(names[name] > 1 for name in homework.rubric.wanted) else []
    if found:
        yield f"{named(found)}: if this is the work of several students, put each one's beside the other submissions"


def print_summary(book: Gradebook, run: Run, rows: Sequence[Row], progress: Progress, strays: Sequence[str]) -> None:
    """Print the results, and what a person must look at."""
    say = Printer(Terminal(soft_wrap=True))
    rate = f" at {progress.graded / progress.seconds:.1f} a second" if progress.seconds > 1 else ""
    say(f"run {run.id}: {progress.graded} graded{rate}, {progress.kept} unchanged, {progress.failed} with a problem, "
        f"{progress.absent} without a submission")  # fmt: skip
    if run.due:
        before = [one for one in book.runs() if one.id < run.id and one.due == run.due]
        say(f"due {clock(run.due, zone_of(run.late))}{f', as in run {before[-1].id}' if before else ''}")
    for row in rows:
        if row.student.problem:
            say(f"{SHAPE[Verdict.RAISED]} {row.student.id}: {row.student.problem}")
    for id_, what in progress.faults.items():
        say(f"{SHAPE[Verdict.INTERNAL]} {id_}: {what}")
    for question in files_in_question(rows):
        say(f"{SHAPE[Verdict.INTERNAL]} {question}")
    for caveat in (*strays, *caveats(book, run, rows), *waiting(book, run)):
        say(f"{SHAPE[Verdict.INTERNAL]} {caveat}")
    if run.part:
        say(f"graded only {run.part}; for all tasks, run the batch again without --task")
    say(f"gradebook: {book.folder}")
    if (book.folder / pages.INDEX).is_file():
        say(f"the class: {book.folder / pages.INDEX}")
