"""Each page in a real browser: no violation of WCAG 2.2 AA, enough contrast in every text, no sideways scrolling."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import accessibility
import pytest

from grader.course import class_page
from grader.course.statistics import survey
from grader.model import Adjustment, Remarks, Row, Student
from grader.report import html

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(bool(accessibility.MISSING), reason=accessibility.MISSING or "there is a browser"),
]


@pytest.fixture(scope="module")
def browser():
    with accessibility.browser() as opened:
        yield opened


def pages(report):
    """A function for every kind of page that the grader writes."""
    given = Adjustment("s", "2.1", 1, "Grace", datetime(2026, 11, 28, tzinfo=UTC), "nearly right")
    adjusted = replace(report, remarks=Remarks((given, replace(given, item="late", points=1)), 1, 20.0))
    rows = [Row(Student(f"s{at}", f"Student {at}"), adjusted if at % 3 else report) for at in range(12)]
    rows += [Row(Student("nil", "Nil")), Row(Student("zip", "Zip", problem="zip.zip is damaged; pack it again"))]
    return {
        "class": lambda: class_page.render(
            survey(rows, "Backprop by hand"), pages={"s1", "s2"}, run="run 3", notes=["s1: several submissions"],
            group=lambda check, sentence: f"http://127.0.0.1:1/{check}",
        ),
        "an empty class": lambda: class_page.render(survey([], "Backprop by hand")),
        "student": lambda: html.render(adjusted),
        "staff": lambda: html.render(report, audience="staff"),
        "held": lambda: html.render(replace(report, remarks=Remarks(released=("1.1",))), figures=False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "scheme", "size"),
    [
        ("class", "dark", "phone"),
        ("held", "light", "phone"),
        pytest.param("class", "light", "desk", marks=pytest.mark.slow),
        pytest.param("an empty class", "light", "desk", marks=pytest.mark.slow),
        pytest.param("student", "light", "phone", marks=pytest.mark.slow),
        pytest.param("staff", "dark", "desk", marks=pytest.mark.slow),
    ],
)
def test_no_page_violates_wcag(browser, report, name, scheme, size):
    least = 3 if name == "an empty class" else 10
    assert accessibility.faults(browser, pages(report)[name](), scheme=scheme, size=size, least=least) == []


def test_a_page_with_faults_is_found_out(browser):
    """The test of the test: each kind of fault is seen."""
    page = """<html><body><p style="color: #999">pale</p><img src="data:,"><a href="#x"></a>
    <svg width="90" height="20"><text y="9" fill="#aaa">pale, too</text></svg>
    <p style="width: 3000px">wide</p></body>"""
    found = "\n".join(accessibility.faults(browser, page, scheme="light", size="phone", least=3))
    for fault in ("image-alt", "link-name", "html-has-lang", "pale: 2.8", "pale, too: 2.3", "pixels wider"):
        assert fault in found


def test_the_class_is_read_and_sorted_by_keyboard_alone(browser, report):
    page = browser.new_page()
    try:
        page.set_content(pages(report)["class"]())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Points"
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.closest('th')?.textContent") == "name":
                break
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        head = page.locator("table.sortable th[aria-sort]")
        assert (head.inner_text(), head.get_attribute("aria-sort")) == ("name", "descending")
        assert page.locator("table.sortable tbody tr").first.inner_text().startswith("Zip")
        assert outline != "none"
    finally:
        page.close()


def test_a_screen_reader_gets_the_points_in_words(browser, report):
    page = browser.new_page()
    try:
        page.set_content(pages(report)["class"]())
        tree = page.locator("main").aria_snapshot()
        for told in ('img "Points:', 'heading "Students"', 'navigation "On this page"', 'columnheader "points"'):
            assert told in tree
    finally:
        page.close()
