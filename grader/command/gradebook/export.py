"""gradebook export: writes grades and feedback as other systems take them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from grader import rubric
from grader.course.caveats import caveats, partial, waiting
from grader.course.export import canvas, csv, github, gradescope, jsonl, junit, moodle, nbgrader
from grader.course.export.sheet import grade, items
from grader.course.gradebook import Gradebook, Run
from grader.errors import UsageError
from grader.files import write as write_file
from grader.model import Row, Rubric, Verdict
from grader.report.text import Printer
from grader.report.wording import SHAPE

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
OWN = Path(__file__).parents[2] / "homework"


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
