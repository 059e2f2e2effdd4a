"""JUnit XML of one submission, by the published schema, and harmless whatever was printed."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from lxml.etree import DocumentInvalid
from schemas import expect_valid

from grader.report import junit


def with_check(report, **changes):
    item = report.tasks[1].items[0]
    spoiled = replace(item, checks=(replace(item.checks[1], **changes),))
    return replace(report, tasks=(replace(report.tasks[1], items=(spoiled,)),))


def test_a_report_follows_the_schema(report, perfect):
    for one in (report, perfect):
        for audience in ("student", "staff"):
            expect_valid(junit.render(one, audience=audience))


def test_the_schema_is_one_that_can_be_broken(perfect):
    end = '<testcase classname="item 1.1" name="f3_forward" time="0.012"'
    text = junit.render(perfect)
    assert f"{end} />" in text
    with pytest.raises(DocumentInvalid):
        expect_valid(text.replace(f"{end} />", f"{end}><properties /></testcase>"))


def test_what_gitlab_shows_holds_the_sentence_and_the_line(report):
    failure = ElementTree.fromstring(junit.render(report)).find(".//testcase[@name='fc_backward']/failure")
    assert failure.text.startswith("layers.py:31: grad_w should have shape")


def test_no_character_that_xml_forbids(report):
    hostile = "".join(map(chr, [*range(32), 0x7F, 0xFFFE, 0xFFFF, 0xD800])) + "</system-out>]]><x>&amp;"
    text = junit.render(with_check(report, message=hostile, output=hostile, where=hostile))
    expect_valid(text)
    root = ElementTree.fromstring(text.encode())
    assert root.find(".//failure").get("message").endswith("</system-out>]]><x>&amp;")
    assert root.find(".//x") is None


def test_a_name_of_a_submission_is_a_name(report):
    text = junit.render(replace(report, submission='a"><testcase name="forged\x1b\n\u202e'))
    root = ElementTree.fromstring(text.encode())
    assert root.find("testsuite").get("name") == 'a"><testcase name="forged '
    assert root.find(".//testcase[@name='forged']") is None


def test_what_is_printed_attaches_no_file(report):
    """GitLab and Jenkins offer the file that a line names to whoever reads the report."""
    text = junit.render(with_check(report, output="[[ATTACHMENT|/etc/passwd]] [[ATTACHMENT\u200b|/etc/passwd]]"))
    assert "[[ATTACHMENT|" not in text
    assert text.count("[[ATTACHMENT |/etc/passwd]]") == 2
