"""What every exported sheet shares: who has a grade, the possible points, and cells that no spreadsheet evaluates."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

from grader.course import statistics
from grader.errors import UsageError
from grader.model import Item, Row, Rubric
from grader.report.wording import harmless, points, undecided

# What Excel, LibreOffice and Google Sheets take for the beginning of a formula, also in its full-width forms.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """RFC 4180, but with plain line feeds: what writes the file knows the system's own."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def cell(text: str) -> str:
    """A text as one line that is no formula: with an apostrophe, by which spreadsheets know a text."""
    text = harmless(text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def grade(row: Row) -> float | None:
    """The points that count; None without a report, and while a fault of the grader waits for a person."""
    return None if row.report is None or undecided(row.report) else row.report.final


def shown(value: float | None) -> str:
    """At most two decimals, with a point; an empty cell for None."""
    return "" if value is None else points(value)


def items(rows: Iterable[Row], rubric: Rubric) -> list[Item]:
    """The rubric's items that were graded and are worth something, all of them when nobody has a report.

    Raises UsageError when reports hold items that the rubric lacks.
    """
    reported = {item.id for row in rows if row.report for item in row.report.items}
    known = {item.id: item for task in rubric.tasks for item in task.items}
    if strange := sorted(reported - known.keys()):
        raise UsageError(f"the rubric has no item {strange[0]}, which was graded; name that homework with --homework")
    return [item for id_, item in known.items() if item.points and (not reported or id_ in reported)]


def possible(rows: Sequence[Row], rubric: Rubric) -> float:
    """Points that could be earned; by the rubric alone while nobody has a report."""
    if any(row.report for row in rows):
        return statistics.possible(rows)
    return math.fsum(item.points for task in rubric.tasks for item in task.items if not item.skipped)
