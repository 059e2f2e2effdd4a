"""Gradescope's results.json, one per submission, as an autograder writes it to /autograder/results.

The top-level `score` overrides the sum of the tests, so that adjustments and lateness count. A test without a score and
a status was not judged. Gradescope shows a total only where every test is visible; so does the text here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from grader.course import visibility
from grader.grading import unmeasured
from grader.model import CheckResult, ItemResult, Remarks, Report, Row, Rubric, Verdict
from grader.report import charts
from grader.report.audience import cleaned, presented
from grader.report.png import Drawn
from grader.report.wording import account, by_hand, checks, headline, lateness, points, undecided, wait

SHOWN = {"visible": "visible", "after_due": "after_due_date", "hidden": "hidden"}  # the rubric's words in Gradescope's
Pictures = Mapping[str, Sequence[Drawn]]  # by the name of the check that they stand below; "" for those of all


def render(row: Row, rubric: Rubric, pictures: Pictures | None = None) -> str:
    """The student's version of the report; the student sees of it what the rubric's visibility says."""
    assert row.report is not None
    report, drawn = row.report, pictures or {}
    levels = visibility.of_checks(rubric)
    told = "\n".join(overview(report, rubric))
    document = {
        "score": round(report.final, 2),
        "execution_time": round(math.fsum(check.seconds for check in report.checks)),
        "output": page(told, drawn[""]) if drawn.get("") else told,
        "output_format": "html" if drawn.get("") else "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "extra_data": {"submission": report.digest, "seed": report.provenance.seed},
        "tests": [
            test(item, cleaned(check, "student"), SHOWN[levels.get(check.name, "visible")], drawn.get(check.name))
            for item, check in checks(report)
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def overview(report: Report, rubric: Rubric) -> Iterator[str]:
    """What stands above the tests. It says nothing about how a check went that the student does not see."""
    if left := math.fsum(check.points for check in report.checks if unmeasured(check)):
        yield (
            f"The run was ended before {points(left)} points were measured; what was measured counts. "
            "Hand in again, or ask your course."
        )
    seen = presented(visibility.shown(report, rubric), "student")
    if unseen := visibility.unseen(report, rubric):
        yield f"{headline(replace(seen, remarks=Remarks()))} that you see now"
        yield f"{points(unseen)} points are measured and shown later"
        yield from filter(None, [lateness(seen.remarks)])
    else:
        yield headline(seen)
        yield from filter(None, [account(seen)])
        if undecided(seen):
            yield f"{wait(undecided(seen))} for a review"
    for item in (*seen.items, None):
        given = seen.adjustments.get(item.id if item else "late")
        if given:
            yield f"{f'{item.id}: ' if item else ''}{by_hand(given, item)}"
    yield from seen.notes


def test(item: ItemResult, check: CheckResult, shown: str, drawn: Sequence[Drawn] | None) -> dict[str, Any]:
    """A check as text, or with what it has drawn, be it tables alone, as a page."""
    judged = check.verdict not in (Verdict.SKIPPED, Verdict.INTERNAL)
    status = "passed" if check.verdict is Verdict.PASS else "failed"
    scored = {"score": round(check.earned, 2), "max_score": round(check.points, 2), "status": status}
    told = "\n".join(said(check))
    tables = [charts.table(one, check.name) for one in check.figures if one.kind == "table"]
    return (scored if judged else {}) | {
        "name": check.title,
        "name_format": "text",
        "number": item.id,
        "output": told if drawn is None else page(told, drawn, tables),
        "output_format": "text" if drawn is None else "html",
        "tags": [check.verdict.value],
        "visibility": shown,
        "extra_data": {"check": check.name},
    }


def page(told: str, drawn: Sequence[Drawn], tables: Sequence[str] = ()) -> str:
    """Text and pictures as HTML; what a student wrote is text in it."""
    text = [f'<pre style="white-space: pre-wrap">{escape(told)}</pre>'] if told else []
    shown = [
        f'<p>{escape(one.title)}<br><img src="{one.url}" alt="{escape(one.title)}"><br>{escape(one.caption)}</p>'
        for one in drawn
    ]
    return "\n".join([*text, *tables, *shown])


def said(check: CheckResult) -> Iterator[str]:
    if check.message:
        yield f"{check.where}: {check.message}" if check.where else check.message
    if check.followed is not None:
        yield check.followed.said
    yield from (f"Advice (costs no points): {sentence}" for sentence in check.advice)
    if check.output.strip():
        yield f"printed:\n{check.output}"
