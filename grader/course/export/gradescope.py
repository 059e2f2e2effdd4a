"""Gradescope's results.json, one per submission, as an autograder writes it to /autograder/results.

The top-level `score` overrides the sum of the tests, so that adjustments and lateness count. A test without a score and
a status was not judged.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from grader.model import CheckResult, ItemResult, Report, Row, Rubric, Verdict
from grader.report.wording import account, by_hand, checks, headline, points, presented, undecided


def render(row: Row, rubric: Rubric) -> str:
    """The student's version of the report; the student can see all of it."""
    assert row.report is not None
    report = presented(row.report, "student")
    document = {
        "score": round(report.final, 2),
        "execution_time": round(math.fsum(check.seconds for check in report.checks)),
        "output": "\n".join(overview(report)),
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"submission": report.digest, "seed": report.provenance.seed},
        "tests": [test(item, check) for item, check in checks(report)],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def overview(report: Report) -> Iterator[str]:
    yield headline(report)
    if account(report):
        yield account(report)
    for item in (*report.items, None):
        given = report.adjustments.get(item.id if item else "late")
        if given:
            yield f"{f'{item.id}: ' if item else ''}{by_hand(given, item)}"
    if undecided(report):
        yield f"{points(undecided(report))} points wait for a review"
    yield from report.notes


def test(item: ItemResult, check: CheckResult) -> dict[str, Any]:
    judged = check.verdict not in (Verdict.SKIPPED, Verdict.INTERNAL)
    status = "passed" if check.verdict is Verdict.PASS else "failed"
    scored = {"score": round(check.earned, 2), "max_score": round(check.points, 2), "status": status}
    return (scored if judged else {}) | {
        "name": check.title,
        "name_format": "text",
        "number": item.id,
        "output": "\n".join(said(check)),
        "output_format": "text",
        "tags": [check.verdict.value],
        "visibility": "visible",
        "extra_data": {"check": check.name},
    }


def said(check: CheckResult) -> Iterator[str]:
    if check.message:
        yield f"{check.where}: {check.message}" if check.where else check.message
    yield from (f"Advice (costs no points): {sentence}" for sentence in check.advice)
    if check.output.strip():
        yield f"printed:\n{check.output}"
