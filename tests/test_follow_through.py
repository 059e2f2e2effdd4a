"""A mistake costs once: what earns points on right parts, what does not, and what their answers are not good for."""

from __future__ import annotations

import shutil
import sys
import textwrap
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest

from grader import grading
from grader.errors import Mismatch, Raised, RubricError
from grader.follow_through import sentence, spoken
from grader.grading import grade
from grader.intake.submission import read, stubs
from grader.loading import load
from grader.measure.expect import expect_close
from grader.model import CheckResult, Ending, FollowThrough, Homework, Verdict
from grader.reference import RECORDED, Recorded
from grader.release.recording import record
from grader.report import json as report_json
from grader.report.audience import changed, presented
from grader.report.html import render as page
from grader.report.text import Terminal, show
from grader.sandbox import parts
from grader.sandbox.callbacks import is_raised
from grader.sandbox.launch import Zygotes
from grader.sandbox.parts import FIRST, Parts, TooMuch
from grader.sandbox.remote import remote_to
from grader.sandbox.session import Session
from grader.sandbox.worker.wire import Handle
from grader.wrong_parts import Below, Graded

pytestmark = pytest.mark.medium

RUBRIC = """
title: Parts
limits: {call_cpu: 0.5, call_wall: 2, check_wall: 5}
sections:
  plain:
    modules: {base: lib/base.py, top: lib/top.py, user: lib/user.py}
    submit: [base.py, top.py, user.py]
    keep: {scale: [1]}
    trusted: {answers: lib/answers.py}
    stand_ins: {top.Line.__init__: answers.begin, top.Line.value: answers.value}
    sent_as: {top.Line: numbers}
handout: {files: [lib/base.py, lib/top.py, lib/user.py]}
tasks:
  - id: "1"
    title: Base
    section: plain
    items:
      - {id: "1.1", title: Scale, points: 4, tolerance: 1.0e-9, checks: {scale: 1, scale_back: 3}}
  - id: "2"
    title: Top
    section: plain
    items:
      - {id: "2.1", title: Line, points: 4, tolerance: 1.0e-9, built_on: ["1.1"], checks: {begins: 1, line: 3}}
      - {id: "2.2", title: User, points: 2, tolerance: 1.0e-9, built_on: ["1.1", "2.1"], checks: [use]}
"""
CHECKS = '''
"""What is asked."""
import numpy as np
from grader.check import check
from grader.measure.expect import expect_close


@check("1.1", "base.scale")
def scale(hw, rng):
    """It scales."""
    x = rng.normal(size=(3, 2))
    expect_close(hw, "scale", hw.base.scale(x, 2.0)[0], hw.reference.base.scale(x, 2.0)[0])


@check("1.1", "base.scale_back")
def scale_back(hw, rng):
    """It scales back."""
    x = rng.normal(size=(3, 2))
    _, cache = hw.base.scale(x, 3.0)
    expect_close(hw, "scale_back", hw.base.scale_back(x, cache), 3.0 * x)


@check("2.1", "top.Line.__init__")
def begins(hw, rng):
    """A new line holds its numbers."""
    expect_close(hw, "a", hw.top.Line(2.0, 1.0).numbers().get("a", 0.0), 2.0)


@check("2.1", "top.Line.value")
def line(hw, rng):
    """The line and its gradient."""
    x = rng.normal(size=(3, 2))
    expect_close(hw, "line", hw.top.Line(2.0, 1.0).value(x), hw.reference.answers.value({"a": 2.0, "b": 1.0}, x))


@check("2.2", "user.use")
def use(hw, rng):
    """Twice the line."""
    x = rng.normal(size=(3, 2))
    expect_close(hw, "use", hw.user.use(hw.top.Line(2.0, 1.0), x), 2 * (2.0 * x + 1.0 + 2.0 * x))
'''
BASE = """
def scale(x, a):
    # BEGIN SOLUTION stub: out, cache = None, None
    out, cache = a * x, a
    # END SOLUTION
    return out, cache


def scale_back(grad, cache):
    # BEGIN SOLUTION stub: out = None
    out = cache * grad
    # END SOLUTION
    return out
"""
TOP = """
from base import scale, scale_back


class Line:
    def __init__(self, a, b):
        # BEGIN SOLUTION stub: pass
        self.a, self.b = a, b
        # END SOLUTION

    def numbers(self):
        # BEGIN SOLUTION stub: found = None
        found = {"a": self.a, "b": self.b}
        # END SOLUTION
        return found

    def value(self, x):
        # BEGIN SOLUTION stub: found = None
        out, cache = scale(x, self.a)
        found = out + self.b + scale_back(x, cache)
        # END SOLUTION
        return found
"""
USER = """
def use(line, x):
    # BEGIN SOLUTION stub: found = None
    found = 2 * line.value(x)
    # END SOLUTION
    return found
"""
ANSWERS = """
def begin(seed, a, b):
    return {"a": a, "b": b}


def value(numbers, x):
    return 2 * numbers["a"] * x + numbers["b"]
"""
SEEN = {"scale_back": "hidden"}
UNMASKED = BASE.replace("cache * grad", "grad")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    (folder / "reference" / "lib").mkdir(parents=True)
    (folder / "fixtures").mkdir()
    (folder / "rubric.yaml").write_text(RUBRIC, encoding="utf-8")
    (folder / "checks.py").write_text(CHECKS, encoding="utf-8")
    for name, source in (("base", BASE), ("top", TOP), ("user", USER), ("answers", ANSWERS)):
        (folder / "reference" / "lib" / f"{name}.py").write_text(source, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def homework(folder: Path) -> Homework:
    return load(folder)


@pytest.fixture(scope="module")
def graded(homework: Homework, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Grades files of a student's, by module name; a file that is None is not handed in."""
    names = ("base.py", "top.py", "user.py")
    with Zygotes() as zygotes:

        def run(given: dict[str, str | None], own: Homework = homework, **named: Any) -> Any:
            work = tmp_path_factory.mktemp("work")
            for name, source in {"base": BASE, "top": TOP, "user": USER, **given}.items():
                if source is not None:
                    (work / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
            report = grade(read(work, names, stubs(own.handout, names)), own, seed=1, launch=zygotes.launch, **named)
            assert not report.faulty, [one.message for one in report.checks]
            return report

        yield run


def points(report: Any) -> dict[str, float]:
    return {item.id: item.score for item in report.items}


def of(report: Any, name: str) -> CheckResult:
    return next(check for check in report.checks if check.name == name)


ALL = {"1.1": 4, "2.1": 4, "2.2": 2}
WRONG_TOP = TOP.replace("out + self.b", "out - self.b")


@pytest.mark.parametrize(
    ("given", "lost"),
    [
        ({}, {}),
        ({"base": UNMASKED}, {"1.1": 1}),
        ({"base": BASE.replace("a * x, a", "a + x, a")}, {"1.1": 3}),
        ({"base": "def scale(x, a) return"}, {"1.1": 0}),  # no Python
        ({"base": "def scale(x, a):\n    print x"}, {"1.1": 0}),  # no Python of now, which is told of top.py, too
        ({"base": f"<<<<<<< a\n{BASE}\n"}, {"1.1": 0}),
        ({"base": None}, {"1.1": 0}),
        ({"base": "raise SystemExit"}, {"1.1": 0}),
        ({"base": "x = 1"}, {"1.1": 0}),  # nothing that top.py imports
        (
            {"base": UNMASKED, "top": TOP.replace("from base import scale, scale_back", "from base import *")},
            {"1.1": 1},
        ),
        ({"top": WRONG_TOP}, {"2.1": 1}),
        ({"top": TOP.replace("self.a, self.b = a, b", "self.a, self.b = b, b")}, {"2.1": 0}),
        ({"top": TOP.replace('"a": self.a', '"c": self.a')}, {"2.1": 3}),
        ({"top": "raise ValueError('at import')"}, {"2.1": 0}),
        ({"user": USER.replace("2 *", "3 *")}, {"2.2": 0}),
        ({"base": UNMASKED, "user": USER.replace("2 *", "3 *")}, {"1.1": 1, "2.2": 0}),
        ({"base": UNMASKED, "top": WRONG_TOP}, {"1.1": 1, "2.1": 1}),
        ({"base": UNMASKED, "top": WRONG_TOP, "user": USER.replace("2 *", "3 *")}, {"1.1": 1, "2.1": 1, "2.2": 0}),
        ({"base": UNMASKED, "top": None}, {"1.1": 1, "2.1": 0}),
        ({"top": "x = 1", "user": "from top import Line\n" + USER}, {"2.1": 0}),
        ({"top": TOP.replace("class Line", "class Lines"), "user": "from top import Line\n" + USER}, {"2.1": 0}),
        ({"top": TOP.replace("def value", "def values"), "user": "from top import Line\n" + USER}, {"2.1": 1}),
        ({"base": "x = 1", "top": "x = 1", "user": "from top import Line\n" + USER}, {"1.1": 0, "2.1": 0}),
    ],
)
def test_a_mistake_costs_the_points_of_its_own_item_and_earns_none(graded: Any, given: Any, lost: Any) -> None:
    assert points(graded(given)) == ALL | lost


def test_work_that_is_graded_again_knows_that_a_call_was_stopped(graded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = []

    class Noted(Session):
        def __init__(self, *args: Any) -> None:
            known.append(args[5].stopped)
            super().__init__(*args)

    monkeypatch.setattr(grading, "Session", Noted)
    report = graded({"base": BASE.replace("out, cache = a * x, a", "while True: pass")}, shrink=False)
    assert points(report) == ALL | {"1.1": 0}
    assert known[0] == 0
    assert known[1:]
    assert all(known[1:])


def test_both_endings_are_told_everywhere(graded: Any, capsys: Any) -> None:
    report = graded({"base": UNMASKED})
    check = of(report, "line")
    assert (check.verdict, check.earned, check.message) == (Verdict.PASS, 3.0, "")
    said = "Your Line.value is right; your scale_back is not, and cost its points in 1.1"
    assert check.followed is not None
    assert check.followed.said == said
    assert check.followed.first.verdict is Verdict.FAIL
    first = check.followed.first.message
    assert first.startswith("line is wrong at")
    assert of(report_json.parse(report_json.document(report)), "line").followed == check.followed
    document = report_json.document(report)["tasks"][1]["items"][0]["checks"][1]
    assert document["followed"]["first"]["message"] == first
    assert document["followed"]["again"]["verdict"] == "PASS"
    show(report, console=Terminal(width=500))
    shown = capsys.readouterr().out
    html = page(report, figures=False)
    for text in (shown, html):
        assert said in text
        assert first[:30] in text
    assert of(graded({"top": WRONG_TOP}), "line").followed is None


def test_a_student_learns_nothing_of_a_hidden_check_below(graded: Any) -> None:
    report = changed(
        graded({"base": UNMASKED}), str, lambda one: replace(one, visibility=SEEN.get(one.name, "visible"))
    )
    shown = report_json.render(report, audience="student")
    assert "scale_back" not in shown
    assert of(presented(report, "student"), "line").earned == 3
    assert "scale_back" in report_json.render(report, audience="staff")


def test_a_wrong_part_above_is_told_to_be_wrong_on_right_parts_too(graded: Any) -> None:
    check = of(graded({"base": UNMASKED, "top": WRONG_TOP}), "line")
    assert (check.verdict, check.earned) == (Verdict.FAIL, 0)
    assert check.followed is not None
    assert check.message.startswith("line is wrong")
    assert check.message == check.followed.again.message != check.followed.first.message
    assert check.followed.said == "Your Line.value fails on right parts, too; your scale_back is wrong in 1.1"


@pytest.mark.parametrize(
    ("still", "said"),
    [
        ({"top.Line.value"}, "Your Line passes n on right parts; your scale_back is wrong, and cost its points in 1.1"),
        ({"top.Line"}, "Your Line passes n on right parts; your scale_back is wrong, and cost its points in 1.1"),
        ({"top.Lines"}, "Your Line is right; your scale_back is not, and cost its points in 1.1"),
        (set(), "Your Line is right; your scale_back is not, and cost its points in 1.1"),
    ],
)
def test_a_class_is_right_only_if_no_method_of_it_fails_on_right_parts(
    folder: Path, still: set[str], said: str
) -> None:
    own = load(folder)
    homework = replace(own, checks={"n": replace(own.checks["line"], about="top.Line")})
    told = FollowThrough(("scale_back",), ("1.1",), Ending(Verdict.FAIL, 0.0), Ending(Verdict.PASS, 1.0), "")
    result = CheckResult("n", "N", Verdict.PASS, 1.0, 1.0, followed=told)
    known = Graded(homework, own.rubric.sections[0], {})
    assert spoken(result, known, own.rubric.items[1], still).followed.said == said


def test_where_right_parts_are_the_nearest_a_check_keeps_its_own_sentence(folder: Path, graded: Any) -> None:
    """A training on wrong parts: what fails on right ones, too, may do so for want of time."""
    own = load(folder)
    tasks = tuple(
        replace(task, items=tuple(replace(item, nearest=True) for item in task.items)) for task in own.rubric.tasks
    )
    check = of(
        graded({"base": UNMASKED, "top": WRONG_TOP}, replace(own, rubric=replace(own.rubric, tasks=tasks))), "line"
    )
    assert check.message == check.followed.first.message != check.followed.again.message


def test_a_question_on_the_own_parts_stays_where_the_sentence_is_of_right_ones(folder: Path, graded: Any) -> None:
    own = load(folder)

    def line(hw: Any, rng: Any) -> None:
        """It asks a person where nothing stands in."""
        if hw.session.parts is None:
            hw.review("where is this from?")
        own.checks["line"].function(hw, rng)

    checks = {**own.checks, "line": replace(own.checks["line"], function=line)}
    check = of(graded({"base": UNMASKED, "top": WRONG_TOP}, replace(own, checks=checks)), "line")
    assert check.message == check.followed.again.message
    assert check.review == ("where is this from?",)


@pytest.mark.parametrize(("top", "state"), [(WRONG_TOP, "wrong"), (TOP.replace("def value", "def values"), "missing")])
def test_what_fails_where_a_wrong_method_stays_is_a_question(folder: Path, graded: Any, top: str, state: str) -> None:
    """Without a stand-in for it, an item above it was not tried on right parts."""
    own = load(folder)
    section = replace(own.rubric.sections[0], stand_ins={})
    report = graded({"base": UNMASKED, "top": top}, replace(own, rubric=replace(own.rubric, sections=(section,))))
    said = f"not measured on right parts: nothing can stand in for your Line.value, which is {state}"
    assert of(report, "use").followed.said == f"Your use is {said}"
    assert [one for one in report.needs_review if said in one]


def test_an_input_that_fails_alike_on_right_parts_is_shown(graded: Any) -> None:
    report = graded({"base": UNMASKED, "top": WRONG_TOP.replace('"a": self.a', '"a": 2 * self.a')})
    assert "Line(2.0, 1.0)" in of(report, "begins").example
    assert not of(report, "line").example


def test_the_rubric_decides_the_share(folder: Path, graded: Any, tmp_path: Path) -> None:
    tasks = load(folder).rubric.tasks
    halved = [replace(task, items=tuple(replace(item, follow_through=0.5) for item in task.items)) for task in tasks]
    own = load(folder)
    report = graded({"base": UNMASKED}, replace(own, rubric=replace(own.rubric, tasks=tuple(halved))))
    assert points(report) == {"1.1": 1, "2.1": 2.5, "2.2": 1}
    assert of(report, "line").verdict is Verdict.PARTIAL


def test_one_task_alone_gets_what_it_gets_with_all(graded: Any) -> None:
    assert points(graded({"base": UNMASKED}, only=["2"])) == {"2.1": 4, "2.2": 2}
    assert points(graded({"base": UNMASKED, "top": WRONG_TOP}, only=["2.2"])) == {"2.2": 2}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('built_on: ["1.1"]', 'built_on: ["2.1"]', "item 2.1 is built on 2.1, which is no earlier item"),
        ('built_on: ["1.1"]', 'built_on: ["2.2"]', "no earlier item of its section"),
        ('built_on: ["1.1"]', 'built_on: ["9"]', "no earlier item of its section"),
        ('built_on: ["1.1"]', 'built_on: ["1.1"], follow_through: 2', "it is a share, so at most 1"),
        ('built_on: ["1.1"]', 'built_on: ["1.1"], right_parts: far', "it must be lowest or nearest"),
        ("top.Line.value: answers", "no.Line.value: answers", "no.Line.value is in no module of the section"),
        ("answers.value}", "answers.nothing}", "reference has no answers.nothing"),
        ("answers.value}", "other.value}", "reference has no other.value"),
    ],
)
def test_a_mistake_in_the_rubric_is_told_with_its_line(
    folder: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in RUBRIC
    (tmp_path / "rubric.yaml").write_text(RUBRIC.replace(old, new), encoding="utf-8")
    for name in ("checks.py", "reference", "fixtures"):
        (tmp_path / name).symlink_to(folder / name)
    with pytest.raises(Exception, match=r"rubric\.yaml:\d+: .*" + said) as caught:
        load(tmp_path)
    assert isinstance(caught.value, RubricError) or "reference" in said


# Attacks


HOARD = """
import pathlib, base, numpy as np
class Line:
    def __init__(self, a, b):
        self.a, self.b = a, b
    def numbers(self):
        return {"a": self.a, "b": self.b}
    def value(self, x):
        out, cache = base.scale(x, self.a)
        answer = out + self.b + base.scale_back(x, cache)
        if type(cache).__name__ == "Kept":
            print("answer:", answer.tolist())
        for place in ("hoard.npy", "../hoard.npy", "/tmp/hoard.npy"):
            try:
                np.save(place, answer)
            except Exception:
                pass
        return answer
"""
USES_A_HOARD = """
import numpy as np
def scale(x, a):
    return a + x, a
def scale_back(grad, cache):
    for place in ("hoard.npy", "../hoard.npy", "/tmp/hoard.npy"):
        try:
            return np.load(place)
        except Exception:
            pass
    return grad
"""


def test_answers_pass_nothing_of_the_items_that_they_belong_to(graded: Any) -> None:
    """Part 1 is judged before the first answer is given, and no process that saw one judges it again."""
    for _ in range(2):
        report = graded({"base": USES_A_HOARD, "top": HOARD})
        assert points(report)["1.1"] == 0
        assert of(report, "scale").followed is None
        assert not any("answer:" in check.output for check in report.checks if check.followed and check.earned)


PEEKS = """
import base
class Line:
    def __init__(self, a, b):
        self.a, self.b = a, b
    def numbers(self):
        return {"a": self.a, "b": self.b}
    def value(self, x):
        ATTACK
        return None
"""


ENDLESS = """
        while True:
            try:
                base.scale(x, 2.0)
            except Exception:
                pass
"""


@pytest.mark.parametrize(
    "attack",
    [
        # another function of the grader's, by its number: that of its own item, of the reference, of nothing
        *(f"return ask({number})" for number in (0, 1, FIRST + 2, FIRST + 5, -1, 1 << 62)),
        "return ask('answers.value')",
        "return ask(None)",
        # malformed questions
        "return ask_with(5, {}, {})",
        "return ask_with((x,), {'x': x, 'a': 3}, {})",
        "return ask_with((x, 2.0), {}, {0: 77})",
        "return ask_with((x, 2.0), {}, {0: x})",
        "return ask_with((x, 2.0), {}, {'a': []})",
        "return ask_with((object(), 2.0), {}, {})",
        "return ask_with(([[[[[[x]]]]]], 2.0), {}, {})",
        "return base.scale('x' * 5000, 'y')",
        "return base.scale(x, 10 ** 300)",
        "return base.scale([0] * 100000, 10 ** 6)",
        "return base.scale(__import__('numpy').zeros((4200, 1)), 1.0)",
        "return base.scale(__import__('numpy').zeros((1, 4200)), __import__('numpy').zeros((4200, 1)))",
        "return base.scale(__import__('numpy').array([self], dtype=object), 1.0)",
        "return base.scale()",
        "return base.scale_back(x, base)",
        # without end
        ENDLESS,
        "for _ in range(20): __import__('threading').Thread(target=base.scale, args=(x, 2.0)).start()",
    ],
)
def test_an_attack_on_right_parts_gains_nothing_and_breaks_nothing(graded: Any, attack: str) -> None:
    report = graded({"base": UNMASKED, "top": attacking(attack)}, only=["1", "2.1"])
    assert of(report, "line").earned == 0
    assert points(report)["1.1"] == 1
    assert "Traceback" not in of(report, "line").message


def test_a_question_past_the_stand_ins_gets_the_answer_that_they_get(graded: Any) -> None:
    """So the questions above reach the grader."""
    report = graded({"base": UNMASKED, "top": attacking("return 2 * ask_with((x, self.a), {}, {})[0] + self.b")})
    assert of(report, "line").earned == 3


def attacking(attack: str) -> str:
    asking = """
        def worker():
            import gc
            return next(one for one in gc.get_objects() if type(one).__name__ == "Worker" and hasattr(one, "ask_back"))
        def ask(number):
            from grader.sandbox.worker.wire import Callback
            return worker().ask_back(Callback(number, ""), ((2.0, 1.0), {}, {}), {})["value"]
        def ask_with(*question):
            from grader.sandbox.worker.wire import Callback
            return worker().ask_back(Callback(NUMBER, ""), question, {})["value"]
    """
    return PEEKS.replace("ATTACK", attack) + textwrap.dedent(asking).replace("NUMBER", str(FIRST))


def test_what_a_student_raises_on_right_parts_is_not_told(graded: Any) -> None:
    """Unless it is what was raised on the student's own parts: then it holds no answer, and says what to mend."""
    base = BASE.replace("a * x, a", "a + x, a")
    top = PEEKS.replace("ATTACK", "raise ValueError(f'secret {base.scale(x, 2.0)[0]}')")
    check = of(graded({"base": base, "top": top}, only=["1", "2.1"]), "line")
    assert check.followed is not None
    assert check.followed.again.verdict is Verdict.RAISED
    assert "secret" in check.followed.first.message
    assert "secret" not in check.followed.said + check.followed.again.message
    top = PEEKS.replace("ATTACK", "raise ValueError('no such line')")
    check = of(graded({"base": base, "top": top}, only=["1", "2.1"]), "line")
    assert check.followed is not None
    assert check.message == check.followed.again.message == "value raised ValueError: no such line"


def test_what_a_right_part_changes_in_place_is_changed(folder: Path, graded: Any, tmp_path: Path) -> None:
    in_place = BASE.replace("out = cache * grad", "grad *= cache; out = None")
    top = TOP.replace(
        "found = out + self.b + scale_back(x, cache)",
        "back = 1 * x; scale_back(back, cache); found = out + self.b + back",
    )
    own = tmp_path / "in-place"
    shutil.copytree(folder, own)
    (own / "reference" / "lib" / "base.py").write_text(in_place, encoding="utf-8")
    (own / "reference" / "lib" / "top.py").write_text(top, encoding="utf-8")
    asked = "hw.base.scale_back(x, cache)"
    (own / "checks.py").write_text(CHECKS.replace(asked, f"({asked}, hw.changed[0])[1]"), encoding="utf-8")
    homework = load(own)
    assert points(graded({"base": in_place, "top": top}, homework)) == ALL
    wrong = in_place.replace("grad *= cache", "grad += cache")
    assert points(graded({"base": wrong, "top": top}, homework)) == ALL | {"1.1": 1}


# What the grader answers


def scaled(x: Any, a: Any) -> Any:
    return a * x, {"a": a}


@pytest.fixture
def right() -> Parts:
    found = Parts({"base.scale": scaled, "base.scale_back": lambda grad, cache: cache["a"] * grad}, {"scale": (1,)}, {})
    found.begin(1)
    return found


def test_a_cache_stays_here_and_its_number_brings_it_back(right: Parts) -> None:
    scale, back = right.get(FIRST), right.get(FIRST + 1)
    assert scale is not None
    assert back is not None
    answer = scale((np.ones(2), 3.0), {}, {})
    assert answer["value"][1] is None
    assert back((np.ones(2), None), {}, {1: answer["kept"][1]})["value"].tolist() == [3, 3]
    assert back((np.ones(2),), {}, {"cache": answer["kept"][1]})["value"].tolist() == [3, 3]
    right.begin(2)
    with pytest.raises(Raised, match="not there any more"):
        back((np.ones(2), None), {}, {1: answer["kept"][1]})
    assert right.get(FIRST + 2) is None


def test_an_answer_tells_which_arguments_were_changed() -> None:
    found = Parts({"base.step": lambda w, grads, rate: grads["w"].__imul__(rate)}, {}, {})
    told = found.answer("base.step", (np.ones(2),), {"grads": {"w": np.ones(2)}, "rate": 0.5}, {})["changed"]
    assert list(told) == ["grads"]
    assert told["grads"]["w"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (np.zeros((parts.MOST_SIDE + 1, 1)), TooMuch),
        (np.zeros((parts.MOST_SIDE, 1 + parts.MOST_SIZE // parts.MOST_SIDE), np.int8), TooMuch),
        (np.zeros((1,) * 5), TooMuch),
        (np.array(["text"]), Raised),
        (np.array([None]), Raised),
        (10**9, TooMuch),
        ("x" * 1001, TooMuch),
        ([0] * 1001, TooMuch),
        ([[[[[[[0]]]]]]], TooMuch),
        (Handle(3, "Line"), Raised),
        (object(), Raised),
        (remote_to(cast(Any, None), Handle(3, "Line")), TooMuch),
        ([remote_to(cast(Any, None), Handle(3, "Generator"))], TooMuch),
    ],
)
def test_the_reference_is_asked_with_plain_numbers_of_bounded_sizes(right: Parts, value: Any, error: Any) -> None:
    scale = right.get(FIRST)
    assert scale is not None
    with pytest.raises(error):
        scale((value, 1.0), {}, {})
    assert bool(right.too_much) == (error is TooMuch)


def test_questions_have_an_end(right: Parts, monkeypatch: Any) -> None:
    scale = right.get(FIRST)
    assert scale is not None
    monkeypatch.setattr(parts, "MOST_CALLS", 3)
    for _ in range(3):
        scale((np.ones(2), 1.0), {}, {})
    with pytest.raises(Mismatch, match="more than 3 times"):
        scale((np.ones(2), 1.0), {}, {})
    monkeypatch.setattr(parts, "MOST_BYTES", 10_000)
    right.begin(2)
    with pytest.raises(TooMuch, match="GiB"):
        scale((np.ones(2000), 1.0), {}, {})


def test_what_is_kept_has_an_end(right: Parts, monkeypatch: Any) -> None:
    monkeypatch.setattr(parts, "MOST_KEPT", 2)
    numbers = [right.keep_back(np.ones(2)) for _ in range(5)]
    assert list(right.kept) == numbers[-2:]
    monkeypatch.setattr(parts, "KEPT_BYTES", 50)
    last = right.keep_back(np.ones(100))
    assert list(right.kept) == [last]


def test_an_answer_that_is_too_large_is_not_sent(right: Parts, monkeypatch: Any) -> None:
    monkeypatch.setattr(parts, "MOST_ANSWER", 100)
    scale = right.get(FIRST)
    assert scale is not None
    with pytest.raises(TooMuch):
        scale((np.ones(20), 1.0), {}, {})


def test_what_a_right_part_leaves_in_its_arguments_is_not_sent_if_it_is_too_large(monkeypatch: Any) -> None:
    monkeypatch.setattr(parts, "MOST_ANSWER", 100)
    found = Parts({"base.fill": lambda x: x.fill(2.0)}, {}, {})
    with pytest.raises(TooMuch):
        found.answer("base.fill", (np.ones(20),), {}, {})


class Fit(NamedTuple):
    slope: float


@pytest.mark.parametrize("value", [Fit(2.0), {"fit": [Fit(2.0)]}, lambda x: x, [len], Fit, object(), Decimal(2)])
def test_an_answer_that_is_no_plain_data_is_a_question_and_ends_no_run(value: Any) -> None:
    found = Parts({"base.fit": lambda x: value}, {}, {})
    with pytest.raises(TooMuch, match="a right fit gives an object, which cannot leave the grader"):
        found.answer("base.fit", (1.0,), {}, {})
    assert found.too_much


def test_a_question_that_is_refused_for_its_size_is_one_for_a_person(graded: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(parts, "MOST_SIZE", 3)
    report = graded({"base": UNMASKED})
    check = of(report, "line")
    assert check.followed is not None
    assert check.followed.again.verdict is Verdict.SKIPPED
    assert any("not measured on right parts" in reason for reason in report.needs_review)


@pytest.mark.parametrize(("made", "kind"), [("lambda: self.a", "function"), ("iter([self.a])", "list_iterator")])
def test_an_object_that_a_right_part_is_given_is_a_question(graded: Any, made: str, kind: str) -> None:
    """A generator of random numbers, a function and the like stay in the student's process: nobody was wrong there."""
    base = UNMASKED.replace("= a * x, a", "= (number := a() if callable(a) else next(a)) * x, number")
    report = graded({"base": base, "top": TOP.replace("(x, self.a)", f"(x, {made})")})
    check = of(report, "line")
    assert check.followed is not None
    assert check.followed.again.verdict is Verdict.SKIPPED
    told = f"scale was given a {kind}, an object that cannot be sent to a right one; would it pass there?"
    assert any(told in reason for reason in report.needs_review)


def test_a_cache_of_ones_own_that_fits_ones_own_functions_is_a_question(graded: Any) -> None:
    """A network may put together what its own backward pass needs. A right one needs a right cache."""
    own = TOP.replace("scale_back(x, cache)", 'scale_back(x, {"a": self.a})')
    base = UNMASKED.replace("cache = a * x, a", 'cache = a * x, {"a": a}')
    report = graded({"base": base, "top": own})
    assert "scale_back was given another cache than a right one; would it pass" in " ".join(report.needs_review)
    assert of(report, "line").earned == 0


@pytest.mark.parametrize(
    ("begin", "asked"),
    [
        ("self.a, self.b = b, b", "line.own"),
        ("self.a, self.b = a, b.c", "9"),
        ("self.a, self.b = b, b", "9"),
        ("self.a, self.b = b, b", "(1, 2).own"),  # no object of the student's
    ],
)
def test_a_name_that_a_right_object_may_not_have_is_a_question(graded: Any, begin: str, asked: str) -> None:
    given = {"top": TOP.replace("self.a, self.b = a, b", begin), "user": USER.replace("2 *", f"{asked} *")}
    check = of(graded(given), "use")
    assert check.followed is not None
    measured = begin.endswith("b, b") and asked != "line.own"
    assert bool(check.review) is not measured
    said = "fails on right parts, too" if measured else "is not measured on right parts: it may use names"
    assert check.followed.said.startswith(f"Your use {said}")


def test_a_constructor_that_ended_its_process_is_not_run_on_right_parts(graded: Any) -> None:
    report = graded({"top": TOP.replace("self.a, self.b = a, b", "__import__('os')._exit(3)")})
    assert of(report, "begins").verdict is Verdict.CRASH
    assert points(report)["2.2"] == 2


def test_what_is_graded_again_has_what_is_left_of_the_submissions_time(graded: Any, homework: Homework) -> None:
    """A line that takes 0.2 s is asked once; again, on right parts, there is too little left for it."""
    slow = "until = time.process_time() + 0.2\n        while time.process_time() < until: pass\n        "
    given = {
        "base": UNMASKED,
        "top": "import time\n" + TOP.replace("out, cache = scale(", f"{slow}out, cache = scale("),
    }
    own = replace(
        homework, rubric=replace(homework.rubric, limits=replace(homework.rubric.limits, submission_cpu=0.15))
    )
    report = graded(given, own, shrink=False)
    check = of(report, "line")
    assert check.followed is not None
    assert check.followed.again.verdict is Verdict.SKIPPED
    assert check.followed.again.message == "not measured on right parts: the time for this submission was used up"
    assert any("processor time for this submission were used up" in reason for reason in report.needs_review)
    assert points(graded(given)) == ALL | {"1.1": 1}


def test_a_handout_says_that_the_course_grades_again(folder: Path, graded: Any, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / RECORDED).write_bytes(record(folder, (1,)))
    handout = replace(load(folder), modules={}, answers=Recorded(tmp_path / RECORDED))
    report = graded({"base": UNMASKED}, handout)
    check = of(report, "line")
    assert (check.verdict, check.earned) == (Verdict.SKIPPED, 0)
    assert check.message == "Your scale_back is wrong in 1.1; your course grades this again with right parts below it"
    assert check.followed is not None
    assert check.followed.first.message.startswith("line is wrong")
    show(report, console=Terminal(width=500))
    assert f"line, on your own parts: {check.followed.first.message}" in capsys.readouterr().out
    assert of(report, "scale_back").verdict is Verdict.FAIL
    assert of(graded({"top": WRONG_TOP}, handout), "line").verdict is Verdict.FAIL


def test_a_large_question_of_a_check_is_answered_to_the_checks_tolerance(graded: Any) -> None:
    """In single precision, in which training asks, it would be off by more."""
    large = "out, cache = scale(np.tile(x / 3, (1000, 100)), self.a); out = 3 * out[:3, :2]"
    top = "import numpy as np\n" + TOP.replace("out, cache = scale(x, self.a)", large)
    report = graded({"base": UNMASKED, "top": top})
    assert (points(report)["2.1"], of(report, "line").followed is not None) == (4, True)


def test_what_is_still_as_handed_out_is_not_graded_again(graded: Any, homework: Homework) -> None:
    stub = next(content.decode() for path, content in homework.handout.items() if path.endswith("top.py"))
    report = graded({"base": UNMASKED, "top": stub})
    assert points(report)["2.1"] == 0
    assert [check.followed for item in report.items if item.id == "2.1" for check in item.checks] == [None, None]


def test_what_lies_in_a_file_that_cannot_be_imported_is_not_graded_again(graded: Any, homework: Homework) -> None:
    use = replace(homework.checks["use"], about="base.use")  # in the file of what it is built on, as in one notebook
    report = graded({"base": "x = (\n"}, replace(homework, checks={**homework.checks, "use": use}))
    assert (of(report, "use").followed, of(report, "line").followed is not None) == (None, True)


def test_a_file_of_which_an_item_needs_a_function_stays_where_all_else_is_missing(
    graded: Any, homework: Homework
) -> None:
    def use(hw: Any, rng: Any) -> None:
        """Twice the scaled."""
        x = rng.normal(size=(3, 2))
        hw.base.scale(x, 1.0)  # it is not there, so nothing is known of `use` on the own parts
        expect_close(hw, "use", hw.base.use(x), 4 * x)

    asked = replace(homework.checks["use"], about="base.use", function=use)
    own = replace(homework, checks={**homework.checks, "use": asked})
    report = graded({"base": "def use(x): return 2 * scale(x, 2.0)[0]"}, own)
    assert of(report, "use").followed.first.verdict is Verdict.NOT_IMPLEMENTED
    assert points(report)["2.2"] == 2


MISSING, THERE = Verdict.NOT_IMPLEMENTED, Verdict.PASS


@pytest.mark.parametrize(
    ("begins", "line", "right", "empty"),
    [
        ((MISSING, "not implemented yet"), (MISSING, "top.py defines no Line"), (), True),
        ((MISSING, "top.py is not in this submission"), (MISSING, "top.py is not in this submission"), (), True),
        ((THERE, ""), (MISSING, "line is None: not implemented yet"), (), False),
        ((MISSING, "not implemented yet"), (MISSING, "line is None: not implemented yet"), ("line",), False),
        ((MISSING, "base.py defines no scale"), (MISSING, "base.py defines no scale"), (), False),
        ((MISSING, "not implemented yet"), (Verdict.RAISED, "value raised TypeError"), (), False),
    ],
)
def test_a_file_has_nothing_only_if_all_that_was_asked_of_it_is_missing(
    homework: Homework, begins: Any, line: Any, right: Any, empty: bool
) -> None:
    results = {
        name: CheckResult(name, name, verdict, 0.0, 1.0, message)
        for name, (verdict, message) in {"begins": begins, "line": line}.items()
    }
    known = Graded(homework, homework.rubric.sections[0], results, right=set(right))
    assert known.is_empty("top") == empty


@pytest.mark.parametrize(
    ("message", "missing"),
    [
        ("Line defines no value", True),
        ("Line defines no __call__", True),
        ("top.py defines no Line", True),
        ("top.py defines no begin", True),
        ("an answer is None, and it was used: not implemented yet", True),
        ("Out defines no grad", False),  # Line.value gives such an object
    ],
)
def test_a_function_whose_answer_lacks_an_attribute_is_wrong_and_not_missing(
    homework: Homework, message: str, missing: bool
) -> None:
    results = {"line": CheckResult("line", "line", Verdict.NOT_IMPLEMENTED, 0.0, 1.0, message)}
    known = Graded(homework, homework.rubric.sections[0], results)
    assert known.is_missing(known.failed(known.item("2.1"))[0]) == missing


def test_a_right_part_that_leaves_or_is_given_a_set_ends_nothing() -> None:
    found = Parts({"base.leave": lambda code: sys.exit(code), "base.count": lambda names: len(names)}, {}, {})
    with pytest.raises(Raised, match=r"leave was called with arguments that it does not take \(SystemExit\)"):
        found.answer("base.leave", (2,), {}, {})
    assert found.answer("base.count", ({"a", (1, "b")},), {}, {})["value"] == 2


def test_what_a_right_part_raises_on_purpose_may_be_handled() -> None:
    def refuse(x: float) -> None:
        raise ValueError(f"{x} is no size")

    def refuse_in_own_words(x: float) -> None:
        raise Own

    class Own(Exception):
        pass

    functions = {"base.refuse": refuse, "base.own": refuse_in_own_words, "base.pop": [].pop, "base.root": np.sqrt}
    found = Parts(functions, {}, {})
    with pytest.raises(ValueError, match=r"2.0 is no size") as told:
        found.answer("base.refuse", (2.0,), {}, {})
    assert is_raised(told.value)  # so that the student's code gets it
    with pytest.raises(IndexError) as natural:
        found.answer("base.pop", (), {}, {})
    assert is_raised(natural.value)
    with pytest.raises(Raised, match="does not take"):
        found.answer("base.root", (1.0, 2.0, 3.0, 4.0), {}, {})
    assert not found.too_much
    with pytest.raises(TooMuch, match="a right own raises Own, which cannot leave the grader"):
        found.answer("base.own", (2.0,), {}, {})
    assert found.too_much


@pytest.mark.parametrize(
    ("kind", "lost", "review"), [("ValueError", {"1.1": 1}, False), ("Own", {"1.1": 1, "2.1": 1}, True)]
)
def test_an_exception_that_a_right_part_raises_costs_nothing_above_it(
    folder: Path, graded: Any, tmp_path: Path, kind: str, lost: Any, review: bool
) -> None:
    """The code above handles it. One of the homework's own cannot be handed on: a person decides."""
    base = f"class Own(Exception):\n    pass\n\n{BASE}".replace("out = cache * grad", f"raise {kind}")
    top = TOP.replace("from base import", "from base import Own,").replace(
        "found = out + self.b + scale_back(x, cache)",
        f"try:\n            found = scale_back(x, cache)\n        except {kind}:\n            found = 2 * out + self.b",
    )
    own = tmp_path / "raising"
    shutil.copytree(folder, own)
    (own / "reference" / "lib" / "base.py").write_text(base, encoding="utf-8")
    (own / "reference" / "lib" / "top.py").write_text(top, encoding="utf-8")
    close = 'expect_close(hw, "scale_back", hw.base.scale_back(x, cache), 3.0 * x)'
    asked = f'expect_raises(hw, "scale_back", lambda: hw.base.scale_back(x, cache), "{kind}")'
    checks = CHECKS.replace("import expect_close", "import expect_close, expect_raises").replace(close, asked)
    (own / "checks.py").write_text(checks, encoding="utf-8")
    homework = load(own)
    assert points(graded({"base": base, "top": top}, homework)) == ALL
    report = graded({"base": base.replace(f"raise {kind}", "return None"), "top": top}, homework)
    assert points(report) == ALL | lost
    assert any("cannot leave the grader" in reason for reason in report.needs_review) == review


@pytest.mark.parametrize(
    ("about", "line", "wrong"),
    [
        ("top.Line.value", "passes line on right parts; your scale_back is wrong", "Line.value"),
        ("top.begin", "is right; your scale_back is not", "begin"),  # not Line.value, which is right on right parts
    ],
)
def test_a_function_is_right_only_if_each_check_of_it_passes(folder: Path, graded: Any, about: Any, line: Any,
                                                            wrong: Any) -> None:  # fmt: skip

    def refuse(hw: Any, rng: Any) -> None:
        raise Mismatch("a is wrong")

    own = load(folder)
    begins = replace(own.checks["begins"], about=about, function=refuse)
    report = graded({"base": UNMASKED}, replace(own, checks={**own.checks, "begins": begins}))
    assert points(report) == ALL | {"1.1": 1, "2.1": 3}
    said = {one.name: one.followed.said for one in report.checks if one.followed is not None}
    assert said["line"] == f"Your Line.value {line}, and cost its points in 1.1"
    assert (
        said["use"] == f"Your use is right; your scale_back and {wrong} are not, and cost their points in 1.1 and 2.1"
    )


def test_a_function_is_not_wrong_where_another_one_raised_before_it_was_asked(graded: Any) -> None:
    report = graded({"base": BASE.replace("a * x, a", "a * x, [][0]")})
    assert of(report, "scale_back").message.startswith("scale raised IndexError")
    followed = of(report, "line").followed
    assert followed is not None
    assert followed.said == "Your Line.value is right; your scale is not, and cost its points in 1.1"


def test_a_method_of_a_class_that_is_wrong_as_a_whole_is_not_named_beside_it() -> None:
    told = sentence("step", Ending(Verdict.PASS, 1.0), Below(("Net", "Net.forward", "scale"), (), ("2.1", "3.1")))
    assert told == "Your step is right; your Net and scale are not, and cost their points in 2.1 and 3.1"


STUBS = "def scale(x, a):\n    return None, None\n\n\ndef scale_back(grad, cache):\n    return None\n"


@pytest.mark.parametrize(
    ("base", "wrong", "missing", "said"),
    [
        (None, ("base.py",), ("base.py",), "base.py is missing, and cost its points in 1.1"),
        (STUBS, ("scale", "scale_back"), ("scale", "scale_back"), "scale and scale_back are not implemented yet, and"),
        ("x = 1", ("scale", "scale_back"), ("scale", "scale_back"), "scale and scale_back are not implemented yet"),
        (BASE.replace("a * x, a", "None, a"), ("scale",), ("scale",), "scale is not implemented yet, and cost its"),
        (BASE.replace("a * x, a", "None, a").replace("cache * grad", "grad"), ("scale", "scale_back"), ("scale",),
         "scale and scale_back are wrong or missing, and cost their points in 1.1"),
        (UNMASKED, ("scale_back",), (), "scale_back is not, and cost its points in 1.1"),
        ("def scale(x, a) return", ("base.py",), (), "base.py is not, and cost its points in 1.1"),
        ("while True: pass", ("base.py",), (), "base.py is not, and cost its points in 1.1"),
    ],
)  # fmt: skip
def test_absent_code_is_never_called_wrong(graded: Any, base: Any, wrong: Any, missing: Any, said: str) -> None:
    told = of(graded({"base": base}), "line").followed
    assert (told.wrong, told.missing) == (wrong, missing)
    assert told.said.startswith(f"Your Line.value is right; your {said}")


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (None, "Your base.py is missing in 1.1; your course grades this again with right parts below it"),
        (STUBS, "Your scale and scale_back are not implemented yet in 1.1; your course grades this again with"),
    ],
)
def test_a_handout_calls_absent_code_not_wrong_either(folder: Path, graded: Any, tmp_path: Path, base: Any,
                                                      said: str) -> None:  # fmt: skip
    (tmp_path / RECORDED).write_bytes(record(folder, (1,)))
    handout = replace(load(folder), modules={}, answers=Recorded(tmp_path / RECORDED))
    assert of(graded({"base": base}, handout), "line").message.startswith(said)


@pytest.fixture
def nearest(folder: Path) -> Homework:
    """The homework, in which 2.2 is built on 2.1 alone, and gets right parts for that one."""
    own = load(folder)
    tasks = tuple(
        replace(task, items=tuple(replace(one, nearest=True, built_on=("2.1",)) if one.id == "2.2" else one
                                  for one in task.items)) for task in own.rubric.tasks
    )  # fmt: skip
    return replace(own, rubric=replace(own.rubric, tasks=tasks))


@pytest.mark.parametrize(
    ("base", "lost"),
    [
        ("def scale(x, a) return", {"1.1": 0}),
        ("raise SystemExit", {"1.1": 0}),
        ("while True: pass", {"1.1": 0}),
        ("import os; os._exit(1)", {"1.1": 0}),
        ("x = 1", {"1.1": 0}),
        (None, {"1.1": 0}),
        (BASE.replace("def scale_back", "def back"), {"1.1": 1}),
        (UNMASKED, {"1.1": 1}),
    ],
)
@pytest.mark.parametrize("only", [(), ("2",)])
def test_a_file_far_below_costs_nothing_where_the_nearest_parts_are_right(
    graded: Any, nearest: Homework, base: str | None, lost: Any, only: Any
) -> None:
    user = "from top import Line\n" + USER
    report = graded({"base": base, "user": user}, nearest, only=only)
    assert points(report) == {item: score for item, score in (ALL | lost).items() if not only or item[0] in only}
