"""Held to what Gradescope documents of results.json: these keys, these words, and a number for a score."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser

import jsonschema
from schemas.platforms import GRADESCOPE

from grader.course.export import gradescope
from grader.model import Figure, Limits, Row, Rubric, Student
from grader.report.png import Drawn


def results(row, rubric):
    document = json.loads(gradescope.render(row, rubric))
    jsonschema.validate(document, GRADESCOPE)
    return document, {test["extra_data"]["check"]: test for test in document["tests"]}


def test_the_score_and_the_tests(rows, rubric):
    document, tests = results(rows[0], rubric)
    assert (document["score"], document["execution_time"]) == (8.33, 1)
    assert (tests["fc"]["number"], tests["fc"]["score"], tests["fc"]["max_score"]) == ("2.1", 5, 5)
    assert (tests["fc"]["status"], tests["f4"]["status"]) == ("passed", "failed")
    assert "score" not in tests["item_5.1"]
    assert "status" not in tests["item_5.1"]


def test_adjustments_and_lateness_override_the_sum_and_are_told(rows, rubric):
    document, tests = results(rows[1], rubric)
    assert document["score"] == 5.87
    assert (
        '2.1: Adjusted from 0 to 4 of 5 points by Grace on 2026-11-23, because: a "nearly" right idea'
        in document["output"]
    )
    assert "2 days late, which costs 20 % of the points" in document["output"]
    assert tests["fc"]["output"] == "layers.py:31: out of fc_forward is off by 2.\nprinted:\nshape (5, 3)\n"


def test_a_student_sees_no_traceback_of_ours_and_no_zero_for_it(rows, rubric):
    document, tests = results(rows[2], rubric)
    assert "KeyError" not in json.dumps(document)
    assert "score" not in tests["softmax"]
    assert "10 points wait for a review" in document["output"]


class Tags(HTMLParser):
    """The tags and attributes of a piece of HTML."""

    def __init__(self, text):
        super().__init__()
        self.found: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(f"{tag}.{name}" for name, _ in attrs)}


def test_pictures_stand_below_a_check_and_text_stays_text_beside_them(report):
    """The report by hand is full of markup."""
    table = Figure("table", "t", {"columns": ["<b>", "n"], "rows": [["<script>", "1"]], "caption": "c"})
    names = {"relu_forward", "fc_backward"}

    def with_table(check):
        return replace(check, figures=(table,)) if check.name in names else check

    def of(item):
        return replace(item, checks=tuple(map(with_table, item.checks)))

    report = replace(report, tasks=tuple(replace(task, items=tuple(map(of, task.items))) for task in report.tasks))
    drawn = Drawn("<script>title</script>", '"><script>caption</script>', b"png")
    pictures = dict.fromkeys((*names, ""), (drawn,)) | {"fc_forward": ()}  # a check with tables alone, or nothing
    rubric = Rubric("R", (), (), Limits(), "d")
    document = json.loads(gradescope.render(Row(Student("a", "A"), report), rubric, pictures))
    jsonschema.validate(document, GRADESCOPE)
    pages = [test["output"] for test in document["tests"] if test["output_format"] == "html"] + [document["output"]]
    assert len(pages) == 4
    for page in filter(None, pages):
        tags = Tags(page).found
        assert "img.src" in tags
        assert tags <= {"pre", "pre.style", "p", "br", "img", "img.src", "img.alt", "table", "thead", "tbody", "tr",
                        "th", "th.scope", "th.class", "td", "td.class"}  # fmt: skip


def test_text_is_text(rows, rubric):
    told = replace(rows[0].report, notes=("<script>alert(1)</script>\x1b[2J",))
    document, _ = results(replace(rows[0], report=told), rubric)
    assert document["output"].endswith("<script>alert(1)</script>")
    assert document["output_format"] == "text"
