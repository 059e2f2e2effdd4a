"""Workflow commands of GitHub Actions: a submission's problems as annotations, and the notice that Classroom reads.

GitHub shows only ten errors and ten warnings of a step, so only the most costly ones are written. A student's text
comes after `::` on one escaped line, so that it cannot start a command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from grader.model import CheckResult, ItemResult, Report, Row, Rubric
from grader.report.wording import SETTLED, WORD, checks, headline, points, presented, undecided

SHOWN = 10  # of each kind, per step


def render(row: Row, rubric: Rubric) -> str:
    assert row.report is not None
    report = presented(row.report, "student")
    places = {path.rpartition("/")[2]: path for section in rubric.sections for path in section.modules.values()}
    places |= row.student.origin  # the path of the student's file in the repository
    return "".join(f"{line}\n" for line in [*problems(report, places), *totals(report)])


def problems(report: Report, places: dict[str, str]) -> Iterator[str]:
    found = [(item, check) for item, check in checks(report) if check.waits or check.verdict not in SETTLED]
    found.sort(key=lambda pair: pair[1].earned - pair[1].points)
    errors = [pair for pair in found if is_error(pair[1])]
    warnings = [pair for pair in found if not is_error(pair[1])]
    for kind, shown in (("error", errors), ("warning", warnings)):
        yield from (annotation(kind, item, check, places) for item, check in shown[:SHOWN])


def is_error(check: CheckResult) -> bool:
    """Whether the check lost points. Checks that wait for a person, or have no points, are warnings."""
    return not check.waits and check.earned < check.points


def annotation(kind: str, item: ItemResult, check: CheckResult, places: dict[str, str]) -> str:
    lost = f"{points(check.earned)} of {points(check.points)}" if check.points else "no points"
    about = {"title": f"{item.id} {check.title} ({lost})"}
    if at := re.fullmatch(r"([\w.-]+):(\d+)", check.where):
        about = {"file": places.get(at[1], at[1]), "line": at[2]} | about
    return command(kind, check.message or WORD[check.verdict], **about)


def totals(report: Report) -> Iterator[str]:
    """The points as JSON for Classroom's reporter, and as a sentence for people."""
    most = report.max_score - report.skipped
    yield command("notice", headline(report), title="Points")
    if waiting := undecided(report):
        yield command("warning", f"{points(waiting)} points wait for a person", title="Points")
    numbers = {"totalPoints": round(report.final, 2), "maxPoints": round(most, 2)}
    yield command("notice", json.dumps(numbers), title="Autograding report")


def command(kind: str, message: str, **properties: str) -> str:
    listed = ",".join(f"{name}={escaped(value, ':', ',')}" for name, value in properties.items())
    return f"::{kind} {listed}::{escaped(message)}"


def escaped(text: str, *more: str) -> str:
    for char in ("%", "\r", "\n", *more):
        text = text.replace(char, f"%{ord(char):02X}")
    return text
