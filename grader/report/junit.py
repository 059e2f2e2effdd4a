"""JUnit XML as pytest writes it (xunit2), by the schema junit-10.xsd of Jenkins: a suite per submission, a case per
check, points as properties of the suite, which are the only ones that the schema has.

A check that loses points is a failure; a fault of the grader is an error. Characters that XML does not allow are
already removed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from grader.model import CheckResult, ItemResult, Report, Verdict
from grader.report.audience import Audience, presented
from grader.report.wording import checks, harmless, points

OUTCOME = {Verdict.PASS: "", Verdict.SKIPPED: "skipped", Verdict.INTERNAL: "error"}


def render(report: Report, *, audience: Audience = "student") -> str:
    """One submission."""
    return document(report.title, [suite(harmless(report.submission), report, audience)])


def document(title: str, suites: Sequence[Element]) -> str:
    root = Element("testsuites", name=harmless(title))
    root.extend(suites)
    indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(root, encoding="unicode")}\n'


def suite(name: str, report: Report, audience: Audience) -> Element:
    report = presented(report, audience)
    found = counted(
        name, [case(item, check) for item, check in checks(report)], math.fsum(check.seconds for check in report.checks)
    )
    sums = {"final": report.final, "score": report.score, "max_score": report.max_score}
    for check in report.checks:
        sums |= {f"{check.name}.earned": check.earned, f"{check.name}.points": check.points}
    listed = Element("properties")
    for about, value in sums.items():
        SubElement(listed, "property", name=about, value=points(value))
    found.insert(0, listed)
    return found


def counted(name: str, cases: Sequence[Element], seconds: float = 0.0) -> Element:
    """A suite of these cases, with the numbers of errors, failures and skipped cases."""
    count = {kind: sum(one.find(kind) is not None for one in cases) for kind in ("error", "failure", "skipped")}
    found = Element("testsuite", name=name, errors=str(count["error"]), failures=str(count["failure"]),
                    skipped=str(count["skipped"]), tests=str(len(cases)), time=f"{seconds:.3f}")  # fmt: skip
    found.extend(cases)
    return found


def case(item: ItemResult, check: CheckResult) -> Element:
    found = Element("testcase", classname=f"item {item.id}", name=check.name, time=f"{check.seconds:.3f}")
    if outcome := OUTCOME.get(check.verdict, "failure"):
        said = unattached(check.message or check.title)
        told = SubElement(found, outcome, type=check.verdict.value, message=said)
        told.text = f"{check.where}: {said}" if check.where else said  # GitLab shows the text alone
    if check.output.strip():
        SubElement(found, "system-out").text = unattached(check.output)
    return found


def unattached(text: str) -> str:
    """The text without the mark after which GitLab and Jenkins offer a file to the report's reader."""
    return text.replace("[[ATTACHMENT|", "[[ATTACHMENT |")
