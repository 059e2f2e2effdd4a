"""What a check returns or raises, and the verdict and the points that it becomes."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tiny import SUBMISSION, broken, drawing, half, homework, right, verdicts, wrong

from grader.check import Options, Subject
from grader.errors import Mismatch, NotImplementedYet, UsageError
from grader.grading import grade
from grader.intake.submission import read
from grader.loading import OWN, ROOT, load
from grader.model import (
    Measure,
    Submission,
    Verdict,
)
from grader.sandbox.session import Session
from grader.verdict import place, run_check, seed_of_the_student


def missing(hw: Any, rng: Any) -> None:
    """It is not there."""
    raise NotImplementedYet("not implemented yet")


def too_much(hw: Any, rng: Any) -> float:
    """It earns more than there is."""
    return 1.5


def too_little(hw: Any, rng: Any) -> float:
    """It earns less than nothing."""
    return -0.5


def test_no_check_earns_more_than_its_points_or_less_than_none(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, too_much, too_little), seed=1)
    assert [(check.verdict, check.earned) for check in report.checks] == [(Verdict.PASS, 3), (Verdict.FAIL, 0)]


def printing(hw: Any, rng: Any) -> None:
    """It shows its author something."""
    print("debug")
    assert np.isnan(np.array([]).mean())  # as of an answer with no part; numpy warns


def scoring(hw: Any, rng: Any) -> float:
    """It plays well."""
    hw.measure(Measure("the reward", -200.0, -40.0, at_least=True))
    hw.measure(Measure("the error", 0.1, 0.2))
    return 0.0


def failing(hw: Any, rng: Any) -> float:
    """It measures nothing."""
    return 0.0


def test_a_check_that_returns_less_than_one_says_what_is_missing(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, scoring, half, failing), seed=1)
    assert [check.message for check in report.checks] == [
        "the reward is -200; it must be at least -40",
        "this holds only in part for your answer: It earns a half.",
        "this does not hold for your answer: It measures nothing.",
    ]


def test_what_a_check_prints_is_no_part_of_a_report(tmp_path, capsys):
    with warnings.catch_warnings(record=True) as told:
        (check,) = grade(SUBMISSION, homework(tmp_path, printing), seed=1).checks
    assert (capsys.readouterr(), told, check.verdict) == (("", "debug\n"), [], Verdict.PASS)


def test_each_end_has_its_verdict_and_its_share(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, right, half, wrong, missing), seed=1)
    assert verdicts(report) == {
        "right": Verdict.PASS,
        "half": Verdict.PARTIAL,
        "wrong": Verdict.FAIL,
        "missing": Verdict.NOT_IMPLEMENTED,
    }
    assert (report.score, report.max_score) == (2.25, 6)
    first, _, third, _ = report.tasks[0].items[0].checks
    assert first.output == "in f\n"
    assert first.measures == (Measure("f", 0.0, 1e-9),)
    assert first.advice == ("say it shorter",)
    assert (third.message, third.where) == ("off by 2", "functions.py:3")
    assert report.notes == ("a note",)


def leaving(hw: Any, rng: Any) -> None:
    """It ends the process that it runs in."""
    raise SystemExit(0)


def stopping(hw: Any, rng: Any) -> None:
    """It ends as a run of pytest does, with what is no Exception."""
    pytest.exit("no")


def texting(hw: Any, rng: Any) -> str:
    """It returns what is no fraction."""
    return "all"


def test_a_check_that_leaves_is_internal_and_ends_nothing(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, leaving, stopping, texting, right), seed=1)
    broken = dict.fromkeys(("leaving", "stopping", "texting"), Verdict.INTERNAL)
    assert verdicts(report) == {**broken, "right": Verdict.PASS}
    assert "the check returned a str" in report.checks[2].message


def operating(hw: Any, rng: Any) -> None:
    """It asks an object that there is not."""
    hw.operate("eq", hw.functions.f(2), 4)


def fetching(hw: Any, rng: Any) -> None:
    """It fetches what there is not."""
    hw.fetch(hw.functions.nothing())


def following(hw: Any, rng: Any) -> None:
    """It asks for the parameters of a number."""
    hw.functions.f.then("parameters", of=hw.functions.f(2))(2)


def misnaming(hw: Any, rng: Any) -> None:
    """It asks for an operator that Python has not."""
    hw.operate("equals", hw.functions.f, 4)


def test_an_answer_that_is_no_object_is_the_students_and_a_name_of_no_operator_the_checks(tmp_path):
    work = replace(SUBMISSION, files={"functions.py": b"def f(x): return 2 * x\ndef nothing(): pass\n"})
    report = grade(work, homework(tmp_path, operating, fetching, following), seed=1)
    assert [(check.verdict, check.message) for check in report.checks] == [
        (Verdict.FAIL, "an answer is a plain int, and it was used: an object was expected"),
        (Verdict.NOT_IMPLEMENTED, "an answer is None, and it was used: not implemented yet"),
        (Verdict.FAIL, "an answer is a plain int, and it was used: an object was expected"),
    ]
    with pytest.raises(UsageError, match=r"test_verdict\.py:\d+: hw\.operate knows no 'equals'; the names are"):
        grade(SUBMISSION, homework(tmp_path, misnaming), seed=1)


def stacking(hw: Any, rng: Any) -> None:
    """push puts a number on top."""
    stack = hw.functions.Stack()
    stack.push(3)
    assert isinstance(stack, hw.functions.Stack)
    assert (stack.top(), len(stack)) == (3, 1)


def naming(hw: Any, rng: Any) -> None:
    """f gives a point with names."""
    assert hw.functions.f(2).x == 4


def comparing(hw: Any, rng: Any) -> None:
    """items gives pairs, whatever their class."""
    assert hw.functions.pairs() == [(1, 2)]
    assert hw.functions.color() == 1


OBJECTS = b"""
import collections
import enum

class Stack(list):
    def push(self, x): self.append(x)
    def top(self): return self[-1]

class Color(enum.IntEnum):
    RED = 1

Point = collections.namedtuple("Point", "x y")
def f(x): return Point(2 * x, 0)
def pairs(): return [Point(1, 2)]
def color(): return Color.RED
"""


def test_a_class_that_derives_from_a_plain_type_is_a_value_or_an_object_as_the_check_has_it(tmp_path):
    checks = stacking, naming, comparing
    work = replace(SUBMISSION, files={"functions.py": OBJECTS})
    assert {one.verdict for one in grade(work, homework(tmp_path, *checks), seed=1).checks} == {Verdict.PASS}
    bad = OBJECTS.replace(b"self[-1]", b"self[0] + 1").replace(b"2 * x", b"x").replace(b"Point(1, 2)", b"Point(2, 1)")
    report = grade(replace(work, files={"functions.py": bad}), homework(tmp_path, *checks), seed=1)
    assert [(one.verdict, one.message) for one in report.checks] == [
        (Verdict.FAIL, "assert (4, 1) == (3, 1) At index 0 diff: 4 != 3"),
        (Verdict.FAIL, "assert 2 == 4 +  where 2 = Point(x=2, y=0).x"),
        (Verdict.FAIL, "assert [(2, 1)] == [(1, 2)] At index 0 diff: (2, 1) != (1, 2)"),
    ]


def training(hw: Any, rng: Any) -> None:
    """It gives a point with names, beside a run."""
    hw.session.driven = True
    assert hw.functions.f(2).x == 4


def test_a_check_that_is_run_again_meets_no_memory_of_its_inputs_and_one_with_a_run_is_not(tmp_path):
    work = replace(SUBMISSION, files={"functions.py": OBJECTS})
    (check,) = grade(work, homework(tmp_path, training), seed=1).checks
    assert (check.verdict, "an object was expected" in check.message) == (Verdict.FAIL, True)
    remembers = OBJECTS + b"asked = []\ndef f(x):\n    asked.append(x)\n    return Point(2 * x * (len(asked) > 1), 0)\n"
    (check,) = grade(replace(work, files={"functions.py": remembers}), homework(tmp_path, naming), seed=1).checks
    assert (check.verdict, check.message.partition(" +")[0]) == (Verdict.FAIL, "assert 0 == 4")


def failing_of_itself(hw: Any, rng: Any) -> None:
    """It breaks, whatever the point is."""
    assert hw.functions.f(2).x == 4
    raise KeyError("ours")


def raising(hw: Any, rng: Any) -> None:
    """It says what x is."""
    point = hw.functions.f(2)
    raise Mismatch(f"x is {point.x}")


def test_what_is_told_of_a_check_that_was_run_again_is_of_the_object(tmp_path):
    work = replace(SUBMISSION, files={"functions.py": OBJECTS})
    (check,) = grade(work, homework(tmp_path, failing_of_itself), seed=1).checks
    assert (check.verdict, "KeyError: 'ours'" in check.message) == (Verdict.INTERNAL, True)
    course, failed = homework(tmp_path, raising), dict[str, Any]()
    (item,) = course.rubric.tasks[0].items
    with Session(course.rubric.sections[0], work, {}, course.rubric.limits) as session:
        run_check(item.checks[0], Subject(session, course, item, Options(lambda name: None)), course, 1, failed)
    assert {name: error.message for name, (_, error) in failed.items()} == {"raising": "x is 4"}


def test_a_fault_of_ours_is_internal_and_needs_review(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, broken, right), seed=1)
    assert verdicts(report) == {"broken": Verdict.INTERNAL, "right": Verdict.PASS}
    assert len(report.needs_review) == 1
    assert report.max_score == 6


def test_random_numbers_depend_on_seed_and_name_alone(tmp_path):
    def draw(seed, *functions):
        report = grade(SUBMISSION, homework(tmp_path, *functions), seed=seed)
        return next(c.measures for c in report.tasks[0].items[0].checks if c.name == "drawing")

    assert draw(1, drawing) == draw(1, right, drawing)
    assert draw(1, drawing) != draw(2, drawing)


@pytest.mark.parametrize(
    ("about", "where"),
    [
        ("layers.f", "layers.py:2"),
        ("layers.Net.g", "layers.py:4"),
        ("layers.absent", ""),
        ("functions.f", ""),
        ("nothing.f", ""),
        ("", ""),
    ],
)
def test_a_wrong_answer_is_told_with_the_line_of_the_function_that_was_asked(about, where):
    lines = {"layers.py": {"f": 2, "Net": 3, "Net.g": 4}}
    section = SimpleNamespace(modules={"layers": "neuralnet/layers.py", "functions": "backprop/functions.py"})
    hw = SimpleNamespace(session=SimpleNamespace(section=section, submission=SimpleNamespace(lines=lines)))
    assert place(about, hw) == where


def test_the_seed_of_a_check_stays_with_the_grader_and_what_is_drawn_there_repeats(tmp_path):
    (tmp_path / "layers.py").write_text("pass\n")
    there = seed_of_the_student(ROOT / "reference", 5)
    assert there not in (5, seed_of_the_student(ROOT / "reference", 6), seed_of_the_student(tmp_path, 5))
    assert there == seed_of_the_student(ROOT / "reference", 5)


def test_no_process_is_told_the_seed_of_a_check(monkeypatch):
    begun = []
    begin = Session.begin

    def told(session: Session, seed: int, **more: Any) -> None:
        begun.append(seed)
        begin(session, seed, **more)

    monkeypatch.setattr(Session, "begin", told)
    homework = load(ROOT / "grader" / "homework")
    names = [
        plan.name for task in homework.rubric.tasks for item in task.items if item.id == "2.4" for plan in item.checks
    ]
    own = [int.from_bytes(hashlib.sha256(f"3 {name}".encode()).digest()[:8], "little") for name in names]
    files = {"layers.py": (ROOT / "reference" / "neuralnet" / "layers.py").read_bytes()}
    grade(Submission("s", files, {}, ""), homework, seed=3, only=["2.4"])
    assert begun == [seed_of_the_student(homework.reference, seed) for seed in own]


@pytest.mark.parametrize(
    ("made", "wrong", "check"),
    [
        ("grad_w = x.T @ grad_out", "grad_w = 2 * x.T @ grad_out", "fc_backward"),
        ("grad_b = grad_out.sum(axis=0)", "grad_b = grad_out.mean(axis=0)", "fc_backward"),
        ("out = x @ w + b", "out = x @ w", "fc_forward"),
    ],
)
def test_a_wrong_part_of_an_answer_is_told_with_the_line_that_makes_it(tmp_path, made, wrong, check):
    homework = load(OWN)
    source = (homework.reference / "neuralnet" / "layers.py").read_text(encoding="utf-8")
    assert source.count(made) == 1
    (tmp_path / "layers.py").write_text(source.replace(made, wrong), encoding="utf-8")
    line = source[: source.index(made)].count("\n") + 1
    report = grade(read(tmp_path, ["layers.py"], {}), homework, seed=4, only=["2.1"], shrink=False)
    assert {one.name: one.where for one in report.checks}[check] == f"layers.py:{line}"
