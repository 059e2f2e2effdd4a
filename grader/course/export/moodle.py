"""Moodle's offline grading worksheet, filled in (mod/assign/feedback/offline/importgradeslib.php and locallib.php).

Moodle finds columns by their titles, here in English, and students by `Identifier`. It skips empty grades and, without
a warning, grades above the assignment's maximum. It replaces feedback even if the grade does not change. All other
cells are returned as they were downloaded. Moodle needs `Last modified (grade)` to see that nobody has graded since.
The worksheet comes from the batch's --roster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from grader.course.export.sheet import cell, grade, shown, table
from grader.errors import UsageError
from grader.model import Report, Row, Rubric, Verdict
from grader.report.audience import presented
from grader.report.wording import account, headline, points, undecided, wait

IDENTIFIER, GRADE, MAXIMUM, GROUP, FEEDBACK = "Identifier", "Grade", "Maximum Grade", "Group", "Feedback comments"
MODIFIED = "Last modified (grade)"
HEADER = (IDENTIFIER, "Full name", "Email address", "Status", GROUP, GRADE, MAXIMUM, "Grade can be changed",
          "Last modified (submission)", MODIFIED, FEEDBACK)  # fmt: skip
CURE = "download Moodle's grading worksheet in English, and run the batch again with it as --roster; results are reused"
OURS = "Backgrade: "  # our feedback begins with this; a person's feedback is never replaced


def render(rows: Sequence[Row], rubric: Rubric) -> str:
    """Raises UsageError if Moodle would import nothing, or skip a grade without a warning."""
    known = [row for row in rows if row.student.ids.get(IDENTIFIER) and not is_unclear(row)]
    if not of_worksheet(row.student.ids for row in known):
        raise UsageError(f"the class list is not a grading worksheet that Moodle can import; {CURE}")
    header = [name for name in HEADER if name != GROUP or any(GROUP in row.student.ids for row in known)]
    return table(header, ([filled(row, name) for name in header] for row in known))


def of_worksheet(people: Iterable[Mapping[str, str]]) -> bool:
    """Whether these ids come from a grading worksheet; an `Identifier` alone may come from a submission."""
    return any(IDENTIFIER in ids and MODIFIED in ids for ids in people)


def is_unclear(row: Row) -> bool:
    """Whether the worksheet does not clearly give the work to anyone. It is left out: its number may be a group's and
    another participant's."""
    return row.student.unlisted


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
                f"{row.student.id} has {points(earned)} points, but Moodle skips grades above its maximum of {most}; "
                "raise the assignment's maximum grade in Moodle"
            )
    except ValueError:
        return earned  # the maximum is a scale's name, not a number
    return earned


def replaced(rows: Iterable[Row]) -> list[str]:
    """The students for whom the worksheet holds another grade, which a person may have given: Moodle replaces it."""
    return [
        row.student.id for row in rows if (new := shown(grade(row))) and is_another(row.student.ids.get(GRADE, ""), new)
    ]


def is_another(given: str, new: str) -> bool:
    try:
        return given not in ("", "-") and float(given.replace(",", ".")) != float(new)
    except ValueError:
        return True  # a scale's word


def feedback(row: Row, given: str) -> str:
    if grade(row) is None or row.report is None or (given and not given.startswith(OURS)):
        return given
    report = presented(row.report, "student")
    return OURS + "<br>".join(escape(line) for line in lines(report))


def lines(report: Report) -> Iterator[str]:
    """The points, how they were computed, what waits, and the first reason for each item that lost points."""
    yield headline(report)
    if account(report):
        yield account(report)
    if waiting := undecided(report):
        yield f"{wait(waiting)} for a review."
    for item in report.items:
        earned = report.points_of(item)
        if earned < item.max_score and item.verdict is not Verdict.SKIPPED:
            why = next((check.message for check in item.checks if check.message and check.earned < check.points), "")
            why = report.adjustments[item.id].why if item.id in report.adjustments else why
            yield f"{item.id} {item.title}: {points(earned)} of {points(item.max_score)}{f': {why}' if why else ''}"
