"""Canvas's gradebook, as its import reads it (instructure/canvas-lms, lib/gradebook_importer.rb).

The first columns are fixed, `Section` the last of them; students are found by ID, SIS User ID, SIS Login ID, then name.
A second line holds the points possible. An empty cell would take away a grade that is there, so who has none is left
out. No byte order mark, and no line feed inside a cell: Canvas looks at the first three lines to tell the separator.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.course.export.sheet import cell, grade, possible, shown, table
from grader.course.roster import column
from grader.errors import UsageError
from grader.model import Row, Rubric

HEADER = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "Points Possible"  # Canvas takes every line whose first cell holds this for the second one
EXCUSED = "EX"
IGNORED = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")


def render(rows: Sequence[Row], rubric: Rubric, assignment: str = "") -> str:
    """`assignment` is the column's title, best as Canvas exports it, "Title (id)"; without the id a title that Canvas
    does not know becomes a new assignment. Raises UsageError for a title that Canvas would ignore."""
    title = cell(assignment or rubric.title)
    if IGNORED.search(title):
        raise UsageError(f"Canvas ignores a column named {title!r}; give the assignment's title with --assignment")
    possible_line = [POINTS_POSSIBLE, "", "", "", "", shown(possible(rows, rubric))]
    return table([*HEADER, title], [possible_line, *(line(row) for row in rows if grade(row) is not None)])


def line(row: Row) -> list[str]:
    name = cell(row.student.ids.get("Student") or row.student.name).replace(POINTS_POSSIBLE, "Points possible")
    return [name, *(cell(column(row.student.ids, title)) for title in HEADER[1:]), score(row)]


def score(row: Row) -> str:
    """Excused where nothing was judged: a homework that counts for nobody costs nobody anything."""
    if row.report and not any(row.report.judged(item) for item in row.report.items):
        return EXCUSED
    return shown(grade(row))
