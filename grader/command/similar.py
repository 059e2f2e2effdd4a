"""grade.py similar: who shares what with whom, for staff. It changes no points."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.course import pages, takes
from grader.course.class_folder import LAYOUTS, recognise
from grader.course.database import FILE
from grader.course.gradebook import Gradebook, Run, zone_of
from grader.course.job import homework_at
from grader.course.pool import choose_width
from grader.errors import UsageError
from grader.files import PAGE, check_places, is_output, write
from grader.model import Report, Student, Take, Verdict
from grader.report.progress import live
from grader.report.text import Printer, Terminal
from grader.report.wording import SHAPE
from grader.similarity import kept, page, reading, table
from grader.similarity.pairs import Entry, Found, pairs
from grader.similarity.reading import Done, Place

COMPARED = 0
WRONG = (Verdict.FAIL, Verdict.PARTIAL, Verdict.RAISED)


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py similar",
        description="Show staff who shares rare code, outputs, pictures or wrong answers with whom. No points change.",
        epilog="exit codes: 0 compared, whatever was found; 2 usage; 130 interrupted",
    )
    root.add_argument("folder", type=Path, metavar="DIR",
                      help="the folder that `grade.py batch --out` filled, or all submissions")  # fmt: skip
    root.add_argument("--with", dest="earlier", type=Path, nargs="+", default=[], metavar="EARLIER",
                      help="submissions of earlier years, compared with this class only")  # fmt: skip
    root.add_argument(
        "--layout", choices=LAYOUTS, help="the layout of a folder of submissions, if it is not recognised"
    )
    root.add_argument("--jobs", type=int, metavar="N", help="submissions read at a time (default: one per core)")
    root.add_argument(
        "--html", type=Path, metavar="FILE", help=f"where the page goes (default: {pages.SIMILAR} in DIR, or here)"
    )
    root.add_argument("--no-html", action="store_true", help="write no page")
    root.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON; - prints it")
    root.add_argument("--homework", type=Path, metavar="FOLDER", help="homework folder (default: the run's)")
    return root


def run(arguments: argparse.Namespace) -> int:
    jobs = choose_width(arguments.jobs)
    html = None if arguments.no_html else arguments.html or default_page(arguments.folder)
    kept_at = arguments.folder / pages.PAIRS if html and (arguments.folder / FILE).is_file() else None
    check_places(((html, PAGE), (arguments.json, '{\n "what"'), (kept_at, "")))
    classes = [class_at(path, arguments) for path in (arguments.folder, *arguments.earlier)]
    folder = arguments.homework or classes[0].homework
    homework = homework_at(folder and folder.resolve())
    places = [replace(place, label=label) for one in classes for label, place in one.places.items()]
    with live(lambda read: f"{read[0]} of {read[1]} submissions read") as show:
        told = reading.read_all(places, folder and folder.resolve(), jobs, lambda done, total: show((done, total)))
        read = {done.label: done for done in told}
        entries = [entry for one in classes for entry in one.entries(read)]
        found = pairs(entries, reading.handout_of(homework))
    missing = {label: done.problem for label, done in sorted(read.items()) if done.problem}
    notes = [*table.caveats(found, missing, bool(classes[0].run)), *short(read)]
    if arguments.json:
        write(arguments.json, table.document(found, notes))
    names = {label: name for one in classes for label, name in one.names.items()}
    if html:
        write(html, page.render(found, entries, names, homework.rubric.title, notes))
    if kept_at:
        write(kept_at, kept.document(classes[0].run, found, entries, names, notes))
    tell(found, notes, html, Printer(Terminal(stderr=bool(arguments.json and is_output(arguments.json)))))
    return COMPARED


def default_page(folder: Path) -> Path:
    return folder / pages.SIMILAR if (folder / FILE).is_file() else Path(pages.SIMILAR)


@dataclass(frozen=True, slots=True)
class Class:
    """A class to compare: where each submission lies, by its label, and what the grader said about it in run `run`.
    `run` is 0 if the folder is not a batch's."""

    year: str
    homework: Path | None
    places: Mapping[str, Place]
    people: Mapping[str, frozenset[str]]
    names: Mapping[str, str]
    reports: Mapping[str, Report]
    run: int

    def entries(self, read: Mapping[str, Done]) -> Iterator[Entry]:
        for label in self.places:
            report = self.reports.get(label)
            answers = tuple(wrong(report)) if report else ()
            if label in read and not read[label].problem:
                yield Entry(label, read[label].work, self.year, answers, self.people[label])


def class_at(folder: Path, arguments: argparse.Namespace) -> Class:
    """The class in a batch's folder, or in a folder of submissions. Raises UsageError."""
    year = "" if folder is arguments.folder else str(folder)
    if not (folder / FILE).is_file():
        if not folder.is_dir():
            raise UsageError(f"there is no folder {folder}; name a batch's folder, or one with all submissions")
        return as_class(year, None, recognise(folder, arguments.layout), lambda one: (), {}, run=0)
    with Gradebook.open(folder) as book:
        run = book.run()
        reports = {one: report for one in book.graded(run) if (report := book.report(one, run)) is not None}
        students = students_of(run, folder)
        told = run.settings.get("homework")
        chosen = {one.id: takes.of_student(book.database, book.known_as(one.id)) for one in students}
        return as_class(year, told and Path(told), students, lambda one: chosen[one.id], reports, run=run.id)


def students_of(run: Run, folder: Path) -> list[Student]:
    """Who handed in what, from the folder that the run graded."""
    place, roster = Path(run.settings.get("folder") or ""), run.settings.get("roster")
    if not run.settings.get("folder") or not place.is_dir():
        raise UsageError(f"{folder} graded the submissions in {place}, which is not there; put them back, or name the "
                         "folder that holds them")  # fmt: skip
    listed = Path(roster) if roster and Path(roster).is_file() else None
    return recognise(place, run.settings.get("layout"), listed, zone_of(run.late))


def as_class(
    year: str,
    homework: Path | None,
    students: Sequence[Student],
    chosen: Callable[[Student], Collection[Take]],
    reports: Mapping[str, Report],
    *,
    run: int,
) -> Class:
    """A group's submission is one, under the first member's id."""
    own = reading.one_place_each(students, chosen)
    label = {id_: f"{year}/{id_}" if year else id_ for id_ in own}
    together = {id_: [one for one in students if one.parts == place.parts] for id_, place in own.items()}
    return Class(
        year=year,
        homework=homework,
        places={label[id_]: place for id_, place in own.items()},
        people={label[id_]: frozenset(one.id for one in group) for id_, group in together.items()},
        names={label[id_]: ", ".join(one.name for one in group) for id_, group in together.items()},
        reports={label[id_]: reports[id_] for id_ in own if id_ in reports},
        run=run,
    )


def wrong(report: Report) -> Iterator[tuple[str, str]]:
    """What the grader said is wrong: (check, sentence)."""
    for check in report.checks:
        if check.verdict in WRONG and check.message:
            yield check.name, check.message


def short(read: Mapping[str, Done]) -> Iterator[str]:
    """What of a submission was not compared."""
    for label, done in sorted(read.items()):
        yield from (f"{label}: {note}" for note in done.work.notes)


def tell(found: Found, notes: Sequence[str], html: Path | None, say: Printer) -> None:
    say(table.headline(found), "bold")
    if found.pairs:
        say.table(("student", "with", "strength", "what it is based on"), table.rows(found), numbers=("strength",))
    for group in found.groups:
        say(f"a group of {len(group)}: {', '.join(group)}")
    for note in notes:
        say(f"{SHAPE[Verdict.INTERNAL]} {note}", "magenta")
    say(table.WHAT, "dim")
    if html:
        say(f"side by side: {html}")
