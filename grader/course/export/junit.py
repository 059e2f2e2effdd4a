"""The class as JUnit XML: a suite per student, including students without a report."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from grader.model import Row, Rubric
from grader.report import junit
from grader.report.wording import harmless


def render(rows: Sequence[Row], rubric: Rubric) -> str:
    return junit.document(
        rubric.title,
        [
            junit.suite(row.student.id, row.report, "staff")
            if row.report
            else junit.counted(row.student.id, [missing(row)])
            for row in rows
        ],
    )


def missing(row: Row) -> Element:
    """The test case of a student without a report: nothing was handed in, or it could not be read."""
    found = Element("testcase", classname="submission", name="handed in", time="0.000")
    if row.student.problem:
        SubElement(found, "error", type="unreadable", message=harmless(row.student.problem))
    else:
        SubElement(found, "skipped", type="absent", message="nothing was handed in")
    return found
