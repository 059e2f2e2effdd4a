"""gradebook export: writes grades and feedback as other systems take them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader import rubric
from grader.command.gradebook.feedback import FEEDBACK, feedback
from grader.course import research
from grader.course.caveats import caveats, named, partial, waiting
from grader.course.class_folder import expect_outside
from grader.course.database import EXPORTS
from grader.course.export import canvas, csv, github, gradescope, jsonl, junit, moodle, nbgrader
from grader.course.export.sheet import grade, items
from grader.course.gradebook import Gradebook, Run
from grader.course.releases import held, items_of
from grader.errors import UsageError
from grader.files import XML, check_place, is_output, made_folder, set_aside
from grader.files import write as write_file
from grader.model import Row, Rubric, Verdict
from grader.report.audience import released
from grader.report.text import Printer
from grader.report.wording import SHAPE


@dataclass(frozen=True)
class Sheet:
    """One file for a class: its name, how it begins, and what writes it. `sums` says that it tells no items, `titled`
    that it takes an assignment's title."""

    name: str
    begins: str
    render: Callable[..., str]
    sums: bool
    titled: bool = False


SHEETS = {
    "csv": Sheet("grades.csv", "\ufeff" + ",".join(csv.OWN), csv.render, sums=False),
    "canvas": Sheet("canvas.csv", ",".join(canvas.HEADER), canvas.render, sums=True, titled=True),
    "moodle": Sheet("moodle.csv", ",".join(moodle.HEADER[:4]), moodle.render, sums=True),
    "nbgrader": Sheet("nbgrader.csv", ",".join(nbgrader.HEADER), nbgrader.render, sums=True, titled=True),
    "jsonl": Sheet("grades.jsonl", '{"student": "', jsonl.render, sums=False),
    "junit": Sheet("junit.xml", XML, junit.render, sums=False),
}
EACH: dict[str, tuple[str, str, Callable[[Row, Rubric], str]]] = {  # one per submission, in a folder per student
    "gradescope": ("results.json", '{\n  "score": ', gradescope.render),
    "github": ("annotations.txt", "::", github.render),
}
UNCLEAR: dict[str, Callable[[Row], bool]] = {"canvas": canvas.is_unclear, "moodle": moodle.is_unclear}
OWN = Path(__file__).parents[2] / "homework"


def export(book: Gradebook, run: Run, arguments: argparse.Namespace, say: Printer) -> None:
    if run.part and arguments.run is None:  # partial sums would replace the course's grades
        raise UsageError(f"{partial(run)}, or export this part with --run {run.id}")
    rows = released_rows(book, run, arguments.format)
    plan = rubric.load(homework_of(run, arguments.homework) / "rubric.yaml")
    items(rows, plan)  # raises if the run graded another homework
    refuse_options(arguments)
    if arguments.out and not is_output(arguments.out) and run.settings.get("folder"):
        expect_outside(arguments.out, Path(run.settings["folder"]))
    if arguments.format == FEEDBACK:
        feedback(book, run, rows, plan, arguments, say)
    else:
        path = written(book, run, rows, plan, arguments, say)
        say(f"{arguments.format}: {path}")
    if arguments.format == "moodle" and (other := moodle.replaced(rows)):
        told = f"{named(other)}: other grades stand in the worksheet, and Moodle's import replaces them"
        say(f"{SHAPE[Verdict.INTERNAL]} {told}", "magenta")
    is_unclear = UNCLEAR.get(arguments.format)
    if is_unclear and (unclear := [row.student.id for row in rows if is_unclear(row)]):
        told = f"{named(unclear)}: left out, because the class list does not clearly name them"
        say(f"{SHAPE[Verdict.INTERNAL]} {told}", "magenta")
    for caveat in (*waiting(book, run), *caveats(book, run, rows)):
        say(f"{SHAPE[Verdict.INTERNAL]} {caveat}", "magenta")
    if missing := [
        row.student.id for row in rows if row.report is None or (arguments.format in SHEETS and grade(row) is None)
    ]:
        names = research.pseudonyms(book, run) if arguments.pseudonyms else {}
        what = "nothing to give back" if arguments.format == FEEDBACK else "without a grade"
        say(f"{what}: {', '.join(names.get(id_, id_) for id_ in missing)}")


def released_rows(book: Gradebook, run: Run, format_: str) -> list[Row]:
    """The class as far as its students may see it. Raises UsageError if nothing is released, or too little of it."""
    rows = book.register(run)
    if unseen := held(book, run, rows):
        command = f"{book.typed} release"
        if len(unseen) == len(items_of(rows)):
            raise UsageError(f"run {run.id} is not released, so nothing of it is exported; release it with: {command}")
        if format_ in SHEETS and SHEETS[format_].sums:
            kept = f"{', '.join(unseen)} {'is' if len(unseen) == 1 else 'are'} not released"
            raise UsageError(f"{kept}, and {format_} takes sums; release all: {command}")
    return [replace(row, report=row.report and released(row.report)) for row in rows]


def refuse_options(arguments: argparse.Namespace) -> None:
    """Raise UsageError for an option that the format does not use."""
    told = arguments.format
    if arguments.assignment and not (told in SHEETS and SHEETS[told].titled):
        raise UsageError(f"{told} does not use an assignment's title; leave out --assignment")
    if told != FEEDBACK and (arguments.platform or arguments.sender or arguments.again):
        raise UsageError(f"--for, --from and --again are for feedback; type: export {FEEDBACK} --for PLATFORM")
    if arguments.pseudonyms and told not in research.FORMATS:
        raise UsageError(f"{told} needs the students' ids; --pseudonyms is for {' and '.join(research.FORMATS)}")


def written(
    book: Gradebook, run: Run, rows: Sequence[Row], plan: Rubric, arguments: argparse.Namespace, say: Printer
) -> Path:
    """Write the grades, and give the path of the file or folder. Raises UsageError for a file that a person named and
    that holds something else."""
    if arguments.format in SHEETS:
        sheet = SHEETS[arguments.format]
        name = sheet.name
        if arguments.pseudonyms:
            name, rows = f"pseudonyms-{name}", research.rows(book, run, rows)
            for warning in research.warnings(rows, arguments.format):
                say(f"{SHAPE[Verdict.INTERNAL]} {warning}", "magenta")
        content = sheet.render(rows, plan, *([arguments.assignment] if sheet.titled else []))
        path: Path = arguments.out or made_folder(book.folder / EXPORTS) / name
        if arguments.out:
            check_place(path, sheet.begins)
        if earlier := set_aside(path, content):  # one that was edited, or of another run
            say(f"the earlier file is {earlier} now")
        write_file(path, content)
        return path
    name, begins, each = EACH[arguments.format]
    path = made_folder(arguments.out or book.folder / EXPORTS / arguments.format)
    files = {path / row.student.id / name: each(row, plan) for row in rows if row.report is not None}
    before = list(path.glob(f"*/{name}"))  # some of them of students who have no grade any more
    for file in before:
        check_place(file, begins)
    kept = [aside for file in before if (aside := set_aside(file, files.get(file, "")))]
    if kept:
        say(f"{len(kept)} earlier {'file has' if len(kept) == 1 else 'files have'} another name now, such as {kept[0]}")
    for file, content in files.items():
        made_folder(file.parent)
        write_file(file, content)
    return path


def homework_of(run: Run, named: Path | None) -> Path:
    """The folder of the run's homework; `named` overrides it, for example if the folder was moved."""
    return named or Path(run.settings.get("homework") or OWN)
