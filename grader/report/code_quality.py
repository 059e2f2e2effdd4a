"""GitLab's code quality report: problems, each of which a merge request shows beside a line of the student's files.

Its fields are the CodeClimate fields that GitLab reads (app/validators/json_schemas/codeclimate.json). Each problem
needs a path in the repository; a problem without one appears only in the other reports.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from grader.model import Report
from grader.report.audience import presented, quoted
from grader.report.problems import Problem, costliest
from grader.report.wording import place_of, points


def render(report: Report, places: Mapping[str, str]) -> str:
    """`places` maps base names of the student's files to their paths in the repository."""
    found = costliest(quoted(presented(report, "student")))
    located = ((problem, place_of(problem.where, places)) for problem in found)
    return json.dumps([entry(problem, *place) for problem, place in located if place], indent=2) + "\n"


def entry(problem: Problem, path: str, line: int) -> dict[str, Any]:
    """The fingerprint is the same in every run, so that GitLab can see which problems are new."""
    names = " ".join(check.name for _, check in problem.cases)
    lost = f" ({points(problem.earned)} of {points(problem.points)} points)" if problem.points else ""
    return {
        "description": f"{problem.items} {problem.subject}: {problem.said}{lost}",
        "check_name": problem.cases[0][1].name,
        "fingerprint": hashlib.sha256(f"{path} {names}".encode()).hexdigest(),
        "severity": "major" if problem.costs else "minor",
        "location": {"path": path, "lines": {"begin": line}},
    }
