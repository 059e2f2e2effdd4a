"""Canvas's gradebook, in the form that its import reads (instructure/canvas-lms, lib/gradebook_importer.rb).

The first columns are fixed; `Section` is the last of them. Canvas finds students by ID, SIS User ID, SIS Login ID, then
name. The second line holds the points possible. An empty cell would delete an existing grade, so students without a
grade are left out. There is no byte order mark and no line feed in a cell, because Canvas detects the separator from
the first three lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grader.course.export.sheet import cell, grade, possible, shown, table
from grader.course.roster import column
from grader.errors import UsageError
from grader.model import Row, Rubric

HEADER = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "Points Possible"  # Canvas treats every line whose first cell contains this as the second line
EXCUSED = "EX"
IGNORED = re.compile(r"(Current|Final) (Score|Points|Grade)|Override (Score|Grade|Status)")


def render(rows: Sequence[Row], rubric: Rubric, assignment: str = "") -> str:
    """`assignment` is the column's title, best in the form of Canvas's exports, "Title (id)". Without the id, an
    unknown title creates a new assignment in Canvas. Raises UsageError for a title that Canvas would ignore."""
    title = cell(assignment or rubric.title)
    if IGNORED.search(title):
        raise UsageError(f"Canvas ignores a column named {title!r}; give the assignment's title with --assignment")
    possible_line = [POINTS_POSSIBLE, "", "", "", "", shown(possible(rows, rubric))]
    return table(
        [*HEADER, title],
        [possible_line, *map(line, (row for row in rows if grade(row) is not None and not is_unclear(row)))],
    )


def is_unclear(row: Row) -> bool:
    """Whether the work has a name alone, and the class list does not clearly give it to anyone. It is left out: Canvas
    may find another student of that name."""
    return row.student.unlisted and not any(column(row.student.ids, title) for title in HEADER[1:4])


def line(row: Row) -> list[str]:
    name = cell(row.student.ids.get("Student") or row.student.name).replace(POINTS_POSSIBLE, "Points possible")
    return [name, *(cell(column(row.student.ids, title)) for title in HEADER[1:]), score(row)]


def score(row: Row) -> str:
    """The grade; "excused" if nothing was judged, so that the student loses nothing."""
    if row.report and not any(row.report.judged(item) for item in row.report.items):
        return EXCUSED
    return shown(grade(row))
