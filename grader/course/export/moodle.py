"""Moodle's offline grading worksheet, filled in (mod/assign/feedback/offline/importgradeslib.php and locallib.php).

Moodle finds the columns by their titles, here in English, and a student by `Identifier`. It skips an empty grade and,
without a word, one above the assignment's maximum; it replaces feedback even where the grade stays. Whatever else the
downloaded sheet holds is handed back as it came, above all `Last modified (grade)`, by which Moodle knows that nobody
has graded since. The sheet gets here as the class's roster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from grader.course.export.sheet import cell, grade, shown, table
from grader.errors import UsageError
from grader.model import Report, Row, Rubric
from grader.report.wording import account, headline, points, presented

IDENTIFIER, GRADE, MAXIMUM, GROUP, FEEDBACK = "Identifier", "Grade", "Maximum Grade", "Group", "Feedback comments"
MODIFIED = "Last modified (grade)"
HEADER = (IDENTIFIER, "Full name", "Email address", "Status", GROUP, GRADE, MAXIMUM, "Grade can be changed",
          "Last modified (submission)", MODIFIED, FEEDBACK)  # fmt: skip
CURE = (
    "run the batch again, which reuses all results, with Moodle's grading worksheet, downloaded in English, as --roster"
)
OURS = "Backgrade: "  # how our feedback begins; what a person wrote is never replaced


def render(rows: Sequence[Row], rubric: Rubric) -> str:
    """Raises UsageError where Moodle would import nothing, or leave a grade out in silence."""
    known = [row for row in rows if row.student.ids.get(IDENTIFIER)]
    if not of_worksheet(row.student.ids for row in known):
        raise UsageError(f"the class list is none that Moodle takes back; {CURE}")
    header = [name for name in HEADER if name != GROUP or any(GROUP in row.student.ids for row in known)]
    return table(header, ([filled(row, name) for name in header] for row in known))


def of_worksheet(people: Iterable[Mapping[str, str]]) -> bool:
    """Whether these ids were read from a sheet that Moodle takes back: a submission alone has an `Identifier`, too."""
    return any(IDENTIFIER in ids and MODIFIED in ids for ids in people)


def filled(row: Row, name: str) -> str:
    given = row.student.ids.get(name, "")
    if name == GRADE:
        return shown(within(row))
    if name == FEEDBACK:
        return feedback(row, given)
    if name == "Full name":
        return cell(given or row.student.name)
    return cell(given) if given != "-" else given


def within(row: Row) -> float | None:
    earned, most = grade(row), row.student.ids.get(MAXIMUM, "").replace(",", ".")
    try:
        if earned is not None and most and earned > float(most):
            raise UsageError(
                f"{row.student.id} has {points(earned)} points, and Moodle skips grades above its maximum of {most}; "
                "raise the assignment's maximum grade in Moodle"
            )
    except ValueError:
        return earned  # a scale's name, or no number at all
    return earned


def feedback(row: Row, given: str) -> str:
    if grade(row) is None or row.report is None or (given and not given.startswith(OURS)):
        return given
    report = presented(row.report, "student")
    return OURS + "<br>".join(escape(line) for line in lines(report))


def lines(report: Report) -> Iterator[str]:
    """The points, how they came about, and for each item that lost some the first reason."""
    yield headline(report)
    if account(report):
        yield account(report)
    for item in report.items:
        earned = report.points_of(item)
        if earned < item.max_score and item.verdict != "SKIPPED":
            why = next((check.message for check in item.checks if check.message and check.earned < check.points), "")
            why = report.adjustments[item.id].why if item.id in report.adjustments else why
            yield f"{item.id} {item.title}: {points(earned)} of {points(item.max_score)}{f': {why}' if why else ''}"
