"""The HTML pages beside a gradebook: their paths, and when they must be drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from grader.course import class_page, job, result_keys, statistics
from grader.course.caveats import caveats, partial
from grader.course.database import REPORTS
from grader.course.gradebook import Gradebook, Run
from grader.course.job import Document
from grader.files import delete, write
from grader.loading import ROOT, digest
from grader.model import Remarks, Row
from grader.report import json as report_json
from grader.report.audience import Audience
from grader.report.wording import clock

INDEX = "index.html"
SIMILAR = "similar.html"  # what submissions share; made by `grade.py similar`, for staff
PAIRS = "similar.json"  # the same, for the review
AUDIENCES: tuple[Audience, ...] = ("student", "staff")


def path_of(student: str, audience: Audience) -> str:
    return f"{REPORTS}/{student}.html" if audience == "student" else f"{REPORTS}/{student}.{audience}.html"


@lru_cache
def looks() -> str:
    """The digest of the code and styles that draw pages."""
    return digest(ROOT / "grader" / "report")


def digest_of(report: Document, remarks: Remarks, audience: Audience) -> str:
    """The digest of the contents of a student's page."""
    return result_keys.digest([report, repr(remarks), audience, looks()])


def put(book: Gradebook, student: str, audience: Audience, page: str, report: Document, remarks: Remarks) -> None:
    """Write a drawn page, and record the digest of its contents."""
    path = path_of(student, audience)
    write(book.folder / path, page)
    book.put_page(path, digest_of(report, remarks, audience))


def redraw(book: Gradebook, student: str, run: Run) -> None:
    """Draw a student's existing pages again where they have become outdated, after a person changed something."""
    report, remarks = book.report(student, run), book.remarks(student, run)
    if report is None:
        return
    document = report_json.document(report)
    for audience in there(book, student):
        if book.page(path_of(student, audience)) != digest_of(document, remarks, audience):
            put(book, student, audience, job.page(report, remarks, audience), document, remarks)


def current(book: Gradebook, student: str, run: Run) -> str:
    """What the student reads, as HTML: the page that is there, if it is up to date, else drawn anew."""
    report, remarks = book.report(student, run), book.remarks(student, run)
    assert report is not None
    path = path_of(student, "student")
    if book.page(path) == digest_of(report_json.document(report), remarks, "student"):
        return (book.folder / path).read_text(encoding="utf-8")
    return job.page(report, remarks, "student")


def to_read(book: Gradebook, student: str, run: Run) -> str | None:
    """The path of the page that staff read: the student's, if the run needs no release. None if there is none."""
    audiences = there(book, student)
    wanted = audiences if book.released(run) is None else audiences[::-1]
    return path_of(student, wanted[0]) if wanted else None


def is_outdated(book: Gradebook, student: str, run: Run) -> bool:
    """Whether a student has a page that shows other remarks than the gradebook's."""
    report = book.report(student, run)
    return report is not None and any(
        book.page(path_of(student, audience))
        != digest_of(report_json.document(report), book.remarks(student, run), audience)
        for audience in there(book, student)
    )


def there(book: Gradebook, student: str) -> list[Audience]:
    """The audiences for which a student has a page."""
    return [audience for audience in AUDIENCES if (book.folder / path_of(student, audience)).is_file()]


def remove(book: Gradebook, student: str) -> None:
    """Delete a student's pages of an earlier run when there is nothing to draw. Raises UsageError if that fails."""
    for audience in there(book, student):
        path = path_of(student, audience)
        book.drop_page(path)
        delete(book.folder / path)


def write_index(book: Gradebook, run: Run, rows: Sequence[Row]) -> None:
    """Write the class's page. Raises UsageError if it cannot be written."""
    title = next((row.report.title for row in rows if row.report), "")
    notes = [*([partial(run)] if run.part else []), *caveats(book, run, rows)]
    graded = [row.student.id for row in rows if row.report]
    audience: Audience = "student" if book.released(run) is None else "staff"
    there = {id_ for id_ in graded if (book.folder / path_of(id_, audience)).is_file()}
    told, suffix = f"run {run.id}, begun {clock(run.began)}", "" if audience == "student" else f".{audience}"
    cohort = statistics.survey(rows, title)
    write(book.folder / INDEX, class_page.render(cohort, pages=there, run=told, notes=notes, suffix=suffix))
