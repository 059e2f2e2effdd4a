"""Held to what Gradescope documents of results.json: these keys, these words, and a number for a score."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
from platform_schemas import GRADESCOPE

from grader.course.export import gradescope


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


def test_text_is_text(rows, rubric):
    told = replace(rows[0].report, notes=("<script>alert(1)</script>\x1b[2J",))
    document, _ = results(replace(rows[0], report=told), rubric)
    assert document["output"].endswith("<script>alert(1)</script>")
    assert document["output_format"] == "text"
