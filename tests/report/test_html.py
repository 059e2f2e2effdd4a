"""The report as one HTML file: self-contained, nothing in it obeyed, every figure and sentence where it belongs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from grader.report import html

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Elements and their attributes; fails on what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title"):
            self.text += data


@pytest.fixture
def page(report):
    return Page(html.render(report))


def test_the_file_needs_nothing_from_anywhere(page):
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "iframe", "object", "embed", "form", "base")]
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), (tag, value)
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_styles_name_no_file_and_both_colour_schemes(report):
    text = html.render(report)
    assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", text)
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_hostile_text_is_text(page):
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "49" not in re.findall(r"\{\{.*?\}\}|\b49\b", page.text)
    assert not set("\x1b\x9b\x00\u202e\udce9") & set(page.text)


def test_ids_are_there_once_and_links_lead_to_them(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for tag, a in page.tags if tag == "a" and a.get("href", "").startswith("#")}
    assert targets
    assert targets <= set(ids)


def test_every_item_and_every_check_is_told(report, page):
    for item in report.items:
        assert f"{item.id} {item.title}" in page.text
    for check in report.checks:
        assert check.title in page.text
    for word in ("pass", "partial", "fail", "raised", "timeout", "denied", "not implemented", "not graded"):
        assert re.search(rf"[✓◐✗○■–?]\s*{word}", page.text), word


def test_points_that_were_not_graded_stand_apart(page):
    assert "19.33 of 40 graded; 25 not graded here" in page.text
    assert "3 points wait for a review" in page.text


def test_a_fault_of_ours_is_told_to_staff_only(report):
    assert "secret_reference_value" not in html.render(report, figures=False)
    assert "secret_reference_value" in html.render(report, audience="staff", figures=False)


def test_measurements_are_open_where_something_is_wrong(page):
    opened = [("open" in a) for tag, a in page.tags if tag == "details" and a.get("class") == "measures"]
    assert True in opened
    assert False in opened


def test_every_measure_is_drawn_against_its_bar(page):
    assert "Every measurement against its bar" in page.text
    assert "grad_x of fc_backward" in page.text
    drawn = [tag for tag, _ in page.tags if tag == "svg"]
    assert drawn
