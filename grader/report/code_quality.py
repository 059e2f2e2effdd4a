"""GitLab's code quality report: a problem per line of the student's files, which a merge request shows beside it.

Its fields are those of CodeClimate that GitLab reads (app/validators/json_schemas/codeclimate.json). Each needs a path
in the repository, so a problem without one is in the other reports alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from grader.model import Report
from grader.report.problems import Problem, costliest
from grader.report.wording import place_of, points, presented, quoted


def render(report: Report, places: Mapping[str, str]) -> str:
    """`places` maps base names of the student's files to their paths in the repository."""
    found = costliest(quoted(presented(report, "student")))
    located = ((problem, place_of(problem.where, places)) for problem in found)
    return json.dumps([entry(problem, *place) for problem, place in located if place], indent=2) + "\n"


def entry(problem: Problem, path: str, line: int) -> dict[str, Any]:
    """The fingerprint stays the same from run to run, so that GitLab can tell what is new."""
    names = " ".join(check.name for _, check in problem.cases)
    lost = f" ({points(problem.earned)} of {points(problem.points)} points)" if problem.points else ""
    return {
        "description": f"{problem.items} {problem.subject}: {problem.said}{lost}",
        "check_name": problem.cases[0][1].name,
        "fingerprint": hashlib.sha256(f"{path} {names}".encode()).hexdigest(),
        "severity": "major" if problem.costs else "minor",
        "location": {"path": path, "lines": {"begin": line}},
    }
