"""JUnit XML that parses, counts right, and holds no character that XML forbids."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from schemas import expect_valid

from grader.course.export import junit


@pytest.fixture
def suites(rows, rubric):
    root = ElementTree.fromstring(junit.render(rows, rubric).encode())
    assert (root.tag, root.get("name")) == ("testsuites", "Backprop, by hand")
    return {suite.get("name"): suite for suite in root}


def test_the_counts_are_those_of_the_cases(suites):
    for suite in suites.values():
        assert set(suite.keys()) <= {"name", "errors", "failures", "skipped", "tests", "time", "timestamp", "hostname"}
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for attribute, tag in (("errors", "error"), ("failures", "failure"), ("skipped", "skipped")):
            assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{tag}"))
        for case in cases:
            assert set(case.keys()) == {"classname", "name", "time"}
            assert {child.tag for child in case} <= {"error", "failure", "skipped", "system-out"}


def test_each_check_ends_as_it_was_judged(suites):
    doe, eve = ({case.get("name"): case for case in suites[name].iter("testcase")} for name in ("doe", "eve"))
    failure = doe["fc"].find("failure")
    assert (failure.get("message"), failure.get("type"), failure.text) == (
        "out of fc_forward is off by 2.", "FAIL", "layers.py:31: out of fc_forward is off by 2.",
    )  # fmt: skip
    assert doe["fc"].find("system-out").text == "shape (5, 3)\n"
    assert doe["item_5.1"].find("skipped") is not None
    assert eve["softmax"].find("error").get("message") == "KeyError: secret"
    assert len(eve["fc"]) == 0  # nothing went wrong
    points = {one.get("name"): one.get("value") for one in suites["eve"].iter("property")}
    assert (points["fc.earned"], points["fc.points"]) == ("5", "5")
    assert suites["doe"].find("properties/property[@name='final']").get("value") == "5.87"


def test_a_student_without_a_report_is_there(suites):
    assert suites["nil"].find("testcase/skipped").get("message") == "nothing was handed in"
    assert suites["zip"].find("testcase/error").get("message") == "zip.zip is damaged"


def test_the_class_follows_the_schema(rows, rubric):
    expect_valid(junit.render(rows, rubric))
