"""Workflow commands of GitHub Actions: a submission's problems as annotations, and the notice that Classroom reads.

GitHub shows only ten errors and ten warnings of a step, so only the most costly ones are written. A student's text
comes after `::` on one escaped line, so that it cannot start a command.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from grader.model import Report
from grader.report.audience import presented, quoted
from grader.report.problems import Problem, costliest
from grader.report.wording import headline, place_of, points, undecided, wait

SHOWN = 10  # of each kind, per step


def render(report: Report, places: Mapping[str, str]) -> str:
    """A command per line. `places` maps base names of the student's files to their paths in the repository."""
    report = quoted(presented(report, "student"))
    return "".join(f"{line}\n" for line in [*problems(costliest(report), places), *totals(report)])


def problems(found: Sequence[Problem], places: Mapping[str, str]) -> Iterator[str]:
    errors = [problem for problem in found if problem.costs]
    warnings = [problem for problem in found if not problem.costs]
    for kind, shown in (("error", errors[:SHOWN]), ("warning", warnings[: SHOWN - 1])):  # one is left for the totals
        yield from (annotation(kind, problem, places) for problem in shown)


def annotation(kind: str, problem: Problem, places: Mapping[str, str]) -> str:
    lost = f"{points(problem.earned)} of {points(problem.points)}" if problem.points else "no points"
    subject = problem.cases[0][1].title if len(problem.cases) == 1 else f"{len(problem.cases)} checks"
    title = f"{problem.items} {subject} ({lost})"
    place = place_of(problem.where, places)
    if place:
        return command(kind, problem.said, file=place[0], line=str(place[1]), title=title)
    return command(kind, f"{problem.where}: {problem.said}" if problem.where else problem.said, title=title)


def totals(report: Report) -> Iterator[str]:
    """The points as JSON for Classroom's reporter, and as a sentence for people."""
    most = report.max_score - report.skipped
    yield command("notice", headline(report), title="Points")
    if waiting := undecided(report):
        yield command("warning", f"{wait(waiting)} for a person", title="Points")
    numbers = {"totalPoints": round(report.final, 2), "maxPoints": round(most, 2)}
    yield command("notice", json.dumps(numbers), title="Autograding report")


def command(kind: str, message: str, **properties: str) -> str:
    listed = ",".join(f"{name}={escaped(value, ':', ',')}" for name, value in properties.items())
    return f"::{kind} {listed}::{escaped(message)}"


def escaped(text: str, *more: str) -> str:
    for char in ("%", "\r", "\n", *more):
        text = text.replace(char, f"%{ord(char):02X}")
    return text
