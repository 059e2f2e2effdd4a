"""What a person looks at beside a question: figures, code, notebook cells, pictures and a PDF, as plain data.

It runs in a process of a pool, never in the server's own. What a student wrote is parsed by a reader (see
sandbox/reader.py), and each picture is drawn anew from its pixels, so nothing of a student's file reaches a browser.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader import drawing
from grader.course import takes
from grader.course.class_folder import recognise
from grader.course.gradebook import Gradebook, zone_of
from grader.course.job import homework_at
from grader.errors import BackgradeError, Mismatch, SubmissionError
from grader.intake import repair, submission
from grader.intake.archive import Search, members
from grader.intake.picture import ENDINGS, FORMATS, upright
from grader.model import Homework, Report, Student, Submission
from grader.report.audience import presented
from grader.report.wording import PLACE, harmless, on_files
from grader.sandbox import reader
from grader.sandbox.reader import ReaderFault, Tell

SIDE = 1600  # pixels of a picture's longer side, at most
CELLS, LINES, LONG = 200, 400, 2000  # cells of a notebook, lines of a cell or file, and characters of a line
PICTURES = 40  # of a notebook, or beside it
PAGES = 60  # of a PDF


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as markup of ours; "" if it cannot be drawn."""

    title: str
    markup: str
    caption: str


@dataclass(frozen=True, slots=True)
class Cell:
    """A code cell: its number in the notebook from 1, its source, what it printed, and its saved pictures (PNG)."""

    number: int
    source: str
    printed: str
    pictures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of a file from line `first` on; `marked` is the line that the check names, 0 if none."""

    file: str
    first: int
    lines: tuple[str, ...]
    marked: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is shown of a student's work beside one entry. `cells` maps a notebook to its code cells, `named` to the
    numbers of those that the checks name. `photographs` are (name, PNG). `pdfs` are the names of PDF files. `missing`
    says why something is not shown."""

    figures: tuple[Shown, ...] = ()
    code: tuple[Code, ...] = ()
    cells: tuple[tuple[str, tuple[Cell, ...]], ...] = ()
    named: frozenset[int] = frozenset()
    photographs: tuple[tuple[str, bytes], ...] = ()
    pdfs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def gather(folder: Path, run: int, student: str, item: str, checks: Sequence[str]) -> Evidence:
    """The evidence on a student's item. `checks` names those that ask; with none of them, all of the item count."""
    with Gradebook.open(folder) as book:
        graded = book.run(run)
        report, who = book.report(student, graded), book.student(student, graded)
        there = takes.seen(book.database, student)
    pdfs = tuple(path for path in there if path.lower().endswith(".pdf"))
    if report is None:
        return Evidence(pdfs=pdfs)
    asked = only(presented(report, "staff"), item, checks)
    found = Evidence(figures(asked), pdfs=pdfs)
    said = " ".join(on_files(check) for check in report.checks if check.waits)
    try:
        if not item:
            return replace(found, code=candidates(folder, run, student, [path for path in there if path in said]))
        work = work_of(folder, run, student)
    except BackgradeError as error:
        return replace(found, missing=(str(error),))
    except ReaderFault:
        return replace(found, missing=("the work cannot be read again: a fault of the grader",))
    if who.digest and work.digest != who.digest:
        return replace(found, missing=("the work in the folder is another than was graded; run the batch again",))
    homework = homework_at(home_of(graded.settings))
    return of_work(found, work, homework, asked)


def only(report: Report, item: str, checks: Sequence[str]) -> Report:
    """The report with one item alone, and of it the checks that ask."""
    tasks = []
    for task in report.tasks:
        for one in task.items:
            if one.id == item:
                kept = tuple(check for check in one.checks if check.name in checks) or one.checks
                tasks.append(replace(task, items=(replace(one, checks=kept),)))
    return replace(report, tasks=tuple(tasks))


def figures(report: Report) -> tuple[Shown, ...]:
    """The figures of the checks, drawn by a reader; measurements are shown as a table."""
    bare = tuple(
        replace(task, items=tuple(
            replace(item, checks=tuple(replace(check, measures=()) for check in item.checks)) for item in task.items
        ))
        for task in report.tasks
    )  # fmt: skip
    if not any(check.figures for check in report.checks):
        return ()
    drawn = drawing.drawn_apart(replace(report, tasks=bare))
    return tuple(
        Shown(figure.title, markup, str(figure.data.get("caption", "")))
        for check in report.checks
        for markup, figure in zip(drawn.pictures.get(check.name, ()), check.figures, strict=True)
    )


# The work itself


def home_of(settings: Any) -> Path | None:
    return Path(settings["homework"]) if settings.get("homework") else None


def work_of(folder: Path, run: int, student: str) -> Submission:
    """The student's work, as it lies in the class's folder now. Raises SubmissionError with the cure."""
    work, known = read_again(folder, run, student), digest_of(folder, run, student)
    if known and work.digest != known:
        read_again.cache_clear()  # the folder may have changed since
        the_class.cache_clear()
        work = read_again(folder, run, student)
    return work


def digest_of(folder: Path, run: int, student: str) -> str | None:
    with Gradebook.open(folder) as book:
        return book.student(student, book.run(run)).digest


@lru_cache(maxsize=4)
def read_again(folder: Path, run: int, student: str) -> Submission:
    with Gradebook.open(folder) as book:
        graded = book.run(run)
        decided = takes.of_student(book.database, book.known_as(student))
    one, homework = member(folder, run, student), homework_at(home_of(graded.settings))
    (name, path), *more = one.parts
    loose = more or (path.is_file() and name != path.name)
    wanted = homework.rubric.wanted
    return submission.read(path.parent if loose else path, wanted, submission.stubs(homework.handout, wanted),
                           name=one.name, parts=one.parts if loose else (), takes=decided,
                           limits=homework.rubric.limits)  # fmt: skip


def member(folder: Path, run: int, student: str) -> Student:
    """The student with the files in the class's folder. Raises SubmissionError if they are not there any more."""
    there = the_class(folder, run)
    if student not in there or not there[student].parts:
        raise SubmissionError("the work is no longer in the class's folder; only what was recorded is shown")
    return there[student]


@lru_cache(maxsize=2)
def the_class(folder: Path, run: int) -> dict[str, Student]:
    with Gradebook.open(folder) as book:
        graded = book.run(run)
    given = graded.settings
    roster = Path(given["roster"]) if given.get("roster") else None
    students = recognise(Path(given["folder"]), given.get("layout"), roster, zone_of(graded.late))
    return {one.id: one for one in students}


def of_work(found: Evidence, work: Submission, homework: Homework, asked: Report) -> Evidence:
    """The evidence with what the section of the item lets students hand in."""
    section = next(
        (
            one
            for one in homework.rubric.sections
            if any(
                task.section == one.id for task in homework.rubric.tasks if task.id in {task.id for task in asked.tasks}
            )
        ),
        None,
    )
    names = [name for name in work.files if section and any(fits(name, pattern) for pattern in section.submit)]
    said = " ".join(f"{check.message} {check.where} {' '.join(check.review)}" for check in asked.checks)
    named = frozenset(int(number) for number in re.findall(r"\bcell (\d{1,4})\b", said))
    missing = list(found.missing)
    cells: list[tuple[str, tuple[Cell, ...]]] = []
    photographs: list[tuple[str, bytes]] = []
    for name in names:
        try:
            if (name.endswith(".ipynb") and name in said) or (name.endswith(".ipynb") and no_other(names, said)):
                cells.append((name, read(notebook_cells, work.files[name], homework, name)))
            elif name.lower().endswith((*ENDINGS, ".tif", ".tiff")) and len(photographs) < PICTURES:
                photographs.append((name, read(redrawn, work.files[name], homework, name)))
        except (BackgradeError, ReaderFault):
            missing.append(f"{name} cannot be shown; it is too large or damaged")
    code = tuple(code_of(work, homework, asked))
    return replace(found, code=code, cells=tuple(cells), named=named, photographs=tuple(photographs),
                   missing=tuple(missing))  # fmt: skip


def no_other(names: Sequence[str], said: str) -> bool:
    """Whether the sentences name none of the notebooks, so that all are shown."""
    return not any(name in said for name in names if name.endswith(".ipynb"))


def fits(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.startswith("*") and name.lower().endswith(pattern[1:].lower()))


def read(function: Any, content: bytes, homework: Homework, about: str) -> Any:
    return reader.read(function, content, limits=homework.rubric.limits, about=about)


def code_of(work: Submission, homework: Homework, asked: Report) -> list[Code]:
    """The lines that a check names, and the function that it is about."""
    found: dict[tuple[str, int], Code] = {}
    modules = {
        module: Path(path).name for section in homework.rubric.sections for module, path in section.modules.items()
    }
    for check in asked.checks:
        known = homework.checks.get(check.name)
        module, _, function = (known.about if known else "").partition(".")
        at = PLACE.fullmatch(check.where)
        file, line = (at[1], int(at[2])) if at and at[1] in work.files else ("", 0)
        file = file or modules.get(module, "")
        begins = work.lines.get(file, {}).get(function, 0)
        if file in work.files and (line or begins):
            first = begins if begins and (not line or begins <= line) else max(line - 8, 1)
            defined = [other for name, other in work.lines.get(file, {}).items() if "[" not in name]
            later = [other for other in defined if other > max(first, line)]
            lines = harmless(work.files[file].decode("utf-8", "replace"), lines=True).split("\n")
            last = min(min(later, default=len(lines) + 1) - 1, first + LINES)
            shown = tuple(text[:LONG] for text in lines[first - 1 : last])
            found.setdefault((file, first), Code(file, first, shown, line))
    return list(found.values())


def candidates(folder: Path, run: int, student: str, names: Sequence[str]) -> tuple[Code, ...]:
    """The text of the files that a question on files names, or of their cells."""
    with Gradebook.open(folder) as book:
        limits = homework_at(home_of(book.run(run).settings)).rubric.limits
    found: list[tuple[str, str]] = []
    for own, path in member(folder, run, student).parts if names else ():
        with contextlib.suppress(BackgradeError):  # another part may hold it
            found += reader.read(texts, path, own, list(names), limits=limits, about=own, files=[path])
    return tuple(Code(name, 1, tuple(text.split("\n")), 0) for name, text in found)


# In a reader


def texts(tell: Tell, path: Path, own: str, names: list[str]) -> list[tuple[str, str]]:
    """Name and text of those of the files below `path` that are named, as far as they are text."""
    inside = members(path, Search((), [], names, tell), name=own if path.is_file() else None)
    found = [(one.path, one.content) for one in inside if one.path in names and one.content]
    return [
        (name, cut("\n\n".join(repair.cells(content)) if repair.is_notebook(content) else repair.decoded(content)[0]))
        for name, content in found
        if repair.kind_of(content) is None
    ]


def notebook_cells(content: bytes) -> tuple[Cell, ...]:
    """The code cells of a notebook, with what was saved in them."""
    book = json.loads(content)
    found, left = [], PICTURES
    for number, cell in enumerate(book.get("cells", [])[:CELLS], 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        printed, pictures = [], []
        for output in cell.get("outputs") or []:
            if not isinstance(output, dict):
                continue
            data: dict[str, Any] = output["data"] if isinstance(output.get("data"), dict) else {}
            printed.append(joined(output.get("text")) or joined(data.get("text/plain")))
            for kind in ("image/png", "image/jpeg"):
                if kind in data and left > 0:
                    left -= 1
                    pictures.append(redrawn(base64.b64decode(joined(data[kind]))))
                    break
        found.append(Cell(number, cut(joined(cell.get("source"))), cut("\n".join(filter(None, printed))),
                          tuple(filter(None, pictures))))  # fmt: skip
    return tuple(found)


def joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")


def cut(text: str) -> str:
    lines = harmless(text, lines=True).split("\n")
    more = [f"… {len(lines) - LINES} more lines"] if len(lines) > LINES else []
    return "\n".join([*(line[:LONG] for line in lines[:LINES]), *more])


def redrawn(content: bytes) -> bytes:
    """A picture as a PNG of ours, at most SIDE wide and high; b"" if it cannot be read."""
    try:
        image = upright(content, "the picture", SIDE, (*FORMATS, "TIFF"))
    except Mismatch:
        return b""
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


# A PDF, page by page


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a PDF as a PNG of ours, and how many pages there are."""

    pages: int
    picture: bytes


def pdf_page(folder: Path, run: int, student: str, name: str, number: int) -> Page:
    """Page `number`, from 0, of a PDF that was handed in. Raises SubmissionError if it cannot be shown."""
    with Gradebook.open(folder) as book:
        if name not in takes.seen(book.database, student):
            raise SubmissionError(f"{name} was not handed in")
        limits = homework_at(home_of(book.run(run).settings)).rubric.limits
    parts = member(folder, run, student).parts
    import pypdfium2  # noqa: F401 - here, so that the reader need not open its library

    for _, path in reversed(parts):
        try:
            page = reader.read(drawn_page, path, name, number, limits=limits, about=name, files=[path])
        except BackgradeError as error:
            raise SubmissionError(f"{name} cannot be shown: {error}") from None
        if page.pages:
            return page
    raise SubmissionError(f"{name} is no longer in the class's folder")


def drawn_page(tell: Tell, path: Path, name: str, number: int) -> Page:
    """In a reader: a page of the PDF `name` in a folder or archive; no pages if it is not in it."""
    import pypdfium2

    search = Search((), [], [name], tell)
    inside = members(path, search, name=name if path.is_file() else None)
    content = next((one.content for one in inside if one.path == name and one.content), None)
    if content is None:
        return Page(0, b"")
    try:
        document = pypdfium2.PdfDocument(content)
        count = min(len(document), PAGES)
        page = document[min(number, count - 1)]
        scale = min(2.0, SIDE / max(*page.get_size(), 1))
        file = io.BytesIO()
        page.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB").save(file, "PNG")
    except Exception as error:  # a library raises anything for bytes that are no PDF
        raise SubmissionError(f"it is damaged or has a password ({type(error).__name__})") from None
    return Page(count, file.getvalue())
