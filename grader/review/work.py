"""What a process of the review's pool does for the gradebook."""

from __future__ import annotations

from pathlib import Path

from grader.course import pages
from grader.course.gradebook import Gradebook


def redraw(folder: Path, run: int, student: str, index: bool) -> None:
    """Draw a student's pages again after a decision; with `index`, the class's page, too."""
    with Gradebook.open(folder) as book:
        graded = book.run(run)
        pages.redraw(book, student, graded)
        if index and (folder / pages.INDEX).is_file():
            pages.write_index(book, graded, book.register(graded))


def outdated(folder: Path, run: int) -> list[str]:
    """Students whose page does not show what was decided, because the server was killed before it was drawn."""
    with Gradebook.open(folder) as book:
        graded = book.run(run)
        return [one.id for one in book.students(graded) if pages.is_outdated(book, one.id, graded)]
