"""One line per student, one column per item: for a spreadsheet or a script.

It begins with a byte order mark, because Excel needs it to recognise UTF-8. Python reads it as "utf-8-sig".
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.course.export.sheet import cell, grade, items, possible, shown, table
from grader.course.roster import ID_COLUMNS, column, key_of
from grader.model import Item, Row, Rubric
from grader.report.wording import state

OWN = ("student", "name", "state")
SUMS = ("score", "adjusted", "late_days", "penalty_percent", "final", "possible")


def render(rows: Sequence[Row], rubric: Rubric) -> str:
    """An empty cell means that nothing was handed in, or that it is not judged yet."""
    ids = id_columns(rows)
    graded = items(rows, rubric)
    most = shown(possible(rows, rubric))
    header = [*OWN, *ids, *(item.id for item in graded), *SUMS]
    return "\ufeff" + table(header, (line(row, ids, graded, most) for row in rows))


def id_columns(rows: Sequence[Row]) -> list[str]:
    """The titles of all id columns that have values, as the class list spells them, in the order of ID_COLUMNS."""
    spelled = {key_of(name): name for row in reversed(rows) for name in row.student.ids}
    keys = dict.fromkeys(map(key_of, ID_COLUMNS))
    return [spelled[key] for key in keys if key in spelled and key not in map(key_of, OWN)]


def line(row: Row, ids: Sequence[str], graded: Sequence[Item], most: str) -> list[str]:
    known = (cell(column(row.student.ids, name)) for name in ids)
    own = [cell(row.student.id), cell(row.student.name), state(row), *known]
    report = row.report
    if report is None:
        return [*own, *("" for _ in graded), *("" for _ in SUMS[:-1]), most]
    given = {item.id: shown(report.points_of(item)) for item in report.items if report.judged(item)}
    late = report.remarks
    days = "" if late.late_days is None else str(late.late_days)
    sums = [shown(report.score), shown(report.adjusted), days, shown(late.penalty), shown(grade(row)), most]
    return [*own, *(given.get(item.id, "") for item in graded), *sums]
