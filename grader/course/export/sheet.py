"""Functions that exported tables share: grades, possible points, and cells that no spreadsheet evaluates."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence

from grader.course import statistics
from grader.errors import UsageError
from grader.model import Item, Row, Rubric
from grader.report.wording import harmless, points, undecided

# Characters with which a formula may begin in Excel, LibreOffice and Google Sheets, including full-width forms.
FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A CSV (RFC 4180), but with plain line feeds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    return text.getvalue()


def cell(text: str) -> str:
    """A text as one line. A text that looks like a formula gets an apostrophe, which marks text in spreadsheets."""
    text = harmless(text)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text


def grade(row: Row) -> float | None:
    """The points that count; None if there is no report, or if points wait for a person."""
    return None if row.report is None or undecided(row.report) else row.report.final


def shown(value: float | None) -> str:
    """A number with at most two decimals; "" for None."""
    return "" if value is None else points(value)


def items(rows: Iterable[Row], rubric: Rubric) -> list[Item]:
    """The rubric's items that were graded and have points; all of them if nobody has a report.

    Raises UsageError if a report has an item that the rubric does not have.
    """
    reported = {item.id for row in rows if row.report for item in row.report.items}
    known = {item.id: item for item in rubric.items}
    if strange := sorted(reported - known.keys()):
        raise UsageError(f"item {strange[0]} was graded, but the rubric has none; name the right one with --homework")
    return [item for id_, item in known.items() if item.points and (not reported or id_ in reported)]


def possible(rows: Sequence[Row], rubric: Rubric) -> float:
    """Points that could be earned; the rubric's sum if nobody has a report."""
    if any(row.report for row in rows):
        return statistics.possible(rows)
    return math.fsum(item.points for item in rubric.items if not item.skipped)
