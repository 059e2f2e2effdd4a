"""JUnit XML as pytest writes it (xunit2): a suite per student, a case per check, points as properties.

A check that loses points is a failure; a fault of the grader is an error. Characters that XML does not allow are
already removed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from grader.model import CheckResult, ItemResult, Row, Rubric, Verdict
from grader.report.wording import checks, harmless, points, presented

OUTCOME = {Verdict.PASS: "", Verdict.SKIPPED: "skipped", Verdict.INTERNAL: "error"}


def render(rows: Sequence[Row], rubric: Rubric) -> str:
    root = Element("testsuites", name=harmless(rubric.title))
    for row in rows:
        root.append(suite(row))
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def suite(row: Row) -> Element:
    report = presented(row.report, "staff") if row.report else None
    cases = [case(item, check) for item, check in checks(report)] if report else [missing(row)]
    seconds = math.fsum(check.seconds for check in report.checks) if report else 0.0
    count = {kind: sum(one.find(kind) is not None for one in cases) for kind in ("error", "failure", "skipped")}
    found = Element("testsuite", name=row.student.id, errors=str(count["error"]), failures=str(count["failure"]),
                    skipped=str(count["skipped"]), tests=str(len(cases)), time=f"{seconds:.3f}")  # fmt: skip
    if report:
        properties(found, final=points(report.final), score=points(report.score), max_score=points(report.max_score))
    found.extend(cases)
    return found


def case(item: ItemResult, check: CheckResult) -> Element:
    found = Element("testcase", classname=f"item {item.id}", name=check.name, time=f"{check.seconds:.3f}")
    properties(found, earned=points(check.earned), points=points(check.points))
    if outcome := OUTCOME.get(check.verdict, "failure"):
        told = SubElement(found, outcome, type=check.verdict.value, message=check.message or check.title)
        told.text = check.where or None
    if check.output.strip():
        SubElement(found, "system-out").text = check.output
    return found


def missing(row: Row) -> Element:
    """The test case of a student without a report: nothing was handed in, or it could not be read."""
    found = Element("testcase", classname="submission", name="handed in", time="0.000")
    if row.student.problem:
        SubElement(found, "error", type="unreadable", message=harmless(row.student.problem))
    else:
        SubElement(found, "skipped", type="absent", message="nothing was handed in")
    return found


def properties(above: Element, **values: str) -> None:
    listed = SubElement(above, "properties")
    for name, value in values.items():
        SubElement(listed, "property", name=name, value=value)
