"""A check is seen when the rubric says so; what is not seen leaks in no result of a platform."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from schemas.platforms import CLASSROOM50, GRADESCOPE, PRAIRIELEARN
from summary import TAGS, Page

from grader.course import visibility
from grader.course.export import gradescope
from grader.model import CheckPlan, Homework, Item, Limits, Row, Rubric, Student, Task
from grader.platform.autolab import Autolab
from grader.platform.classroom50 import GIVEN, Classroom50
from grader.platform.prairielearn import PrairieLearn

SECRET = "a sentence that only a hidden check says"


@pytest.fixture
def graded(report):
    """The report by hand, in which the check fc_backward says something secret, and its rubric."""

    def told(check):
        return replace(check, message=SECRET, output=SECRET, advice=(SECRET,)) if check.name == "fc_backward" else check

    tasks = tuple(
        replace(task, items=tuple(replace(item, checks=tuple(map(told, item.checks))) for item in task.items))
        for task in report.tasks
    )

    def level(item, name):
        return "hidden" if item == "2.3" else "after_due" if name == "fc_backward" else "visible"

    planned = tuple(
        Task(task.id, task.title, "s", tuple(
            Item(item.id, item.title, item.max_score,
                 tuple(CheckPlan(check.name, check.points, level(item.id, check.name)) for check in item.checks))
            for item in task.items))
        for task in report.tasks
    )  # fmt: skip
    return replace(report, tasks=tasks), Rubric(report.title, (), planned, Limits(), "d")


def test_what_is_not_visible_has_its_level(graded):
    _, rubric = graded
    levels = visibility.of_checks(rubric)
    assert levels == {"fc_backward": "after_due", "softmax_value": "hidden", "softmax_grad": "hidden"}


def test_gradescope_shows_each_test_when_it_may_be_seen(graded):
    report, rubric = graded
    document = json.loads(gradescope.render(Row(Student("a", "A"), report), rubric))
    jsonschema.validate(document, GRADESCOPE)
    shown = {test["extra_data"]["check"]: test["visibility"] for test in document["tests"]}
    assert shown["fc_backward"] == "after_due_date"
    assert shown["softmax_value"] == shown["softmax_grad"] == "hidden"
    assert shown["fc_forward"] == "visible"
    assert "8 points are measured and shown later" in document["output"]
    assert SECRET not in document["output"]


def hand_in(folder):
    """A file where the Makefile of autolab.zip puts the hand-in."""
    (folder / "handin").mkdir()
    (folder / "handin" / "layers.py").touch()


def test_elsewhere_what_is_not_seen_is_not_written(graded, tmp_path, capsys):
    report, rubric = graded
    homework = Homework(tmp_path, rubric, {}, {}, tmp_path, tmp_path)
    runner = dict.fromkeys(GIVEN.values(), "x") | {"SUBMISSION_TAG": "submit/x"}
    hand_in(tmp_path)
    for platform in (PrairieLearn(tmp_path), Autolab(tmp_path), Classroom50(tmp_path, runner)):
        platform.keep(report, homework, ended=True)
    prairielearn = json.loads((tmp_path / "results" / "results.json").read_text(encoding="utf-8"))
    jsonschema.validate(prairielearn, PRAIRIELEARN)
    classroom = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    jsonschema.validate(classroom, CLASSROOM50)
    printed = capsys.readouterr().out
    page = (tmp_path / "release-body.md").read_text(encoding="utf-8")
    for text in (json.dumps(prairielearn), json.dumps(classroom), printed, page):
        assert SECRET not in text
        assert "softmax_loss returned None" not in text
    assert "8 points are measured and shown later" in printed
    assert '{"scores"' in printed.splitlines()[-1]
    assert json.loads(printed.splitlines()[-1])["scores"]["Task 2"] == 2


def test_hostile_words_are_text_everywhere(report, tmp_path, capsys):
    """The report by hand is full of markup, escapes and control characters."""
    rubric = Rubric("R", (), (), Limits(), "d")
    runner = dict.fromkeys(GIVEN.values(), "x") | {"SUBMISSION_TAG": "submit/x"}
    homework = Homework(tmp_path, rubric, {}, {}, tmp_path, tmp_path)
    Classroom50(tmp_path, runner).keep(report, homework, ended=True)
    page = (tmp_path / "release-body.md").read_text(encoding="utf-8")
    assert set(Page(page).tags) <= TAGS
    hand_in(tmp_path)
    Autolab(tmp_path).keep(report, homework, ended=True)
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("| ", '{"_presentation"', '{"scores"')) for line in lines)
    assert not any("\x1b" in line for line in lines)
