"""One line per student, one column per item: for a spreadsheet, or a script of one's own.

It begins with a byte order mark, without which Excel takes UTF-8 for something else; Python reads it as "utf-8-sig".
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.course.export.sheet import cell, grade, items, possible, shown, table
from grader.course.roster import ID_COLUMNS
from grader.model import Item, Row, Rubric
from grader.report.wording import state

OWN = ("student", "name", "state")
SUMS = ("score", "adjusted", "late_days", "penalty_percent", "final", "possible")


def render(rows: Sequence[Row], rubric: Rubric) -> str:
    """An empty cell is no points: nothing was handed in, or nobody has judged it yet."""
    ids = [name for name in ID_COLUMNS if name not in OWN and any(name in row.ids for row in rows)]
    graded = items(rows, rubric)
    most = shown(possible(rows, rubric))
    header = [*OWN, *ids, *(item.id for item in graded), *SUMS]
    return "\ufeff" + table(header, (line(row, ids, graded, most) for row in rows))


def line(row: Row, ids: Sequence[str], graded: Sequence[Item], most: str) -> list[str]:
    own = [cell(row.student), cell(row.name), state(row), *(cell(row.ids.get(name, "")) for name in ids)]
    report = row.report
    if report is None:
        return [*own, *("" for _ in graded), *("" for _ in SUMS[:-1]), most]
    given = {item.id: shown(report.points_of(item)) for item in report.items if report.judged(item)}
    late = report.remarks
    days = "" if late.late_days is None else str(late.late_days)
    sums = [shown(report.score), shown(report.adjusted), days, shown(late.penalty), shown(grade(row)), most]
    return [*own, *(given.get(item.id, "") for item in graded), *sums]
