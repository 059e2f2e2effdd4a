"""What a check returns or raises, and the verdict and the points that it becomes."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import inspect
import json
import math
import pickle
import unittest
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


def skipping(hw: Any, rng: Any) -> None:
    """It is skipped by pytest's words."""
    pytest.skip("no camera here")


def skipping_in_silence(hw: Any, rng: Any) -> None:
    """It is skipped by unittest's."""
    raise unittest.SkipTest


def expecting_a_failure(hw: Any, rng: Any) -> None:
    """It says that an answer may be wrong."""
    pytest.xfail("as known")


def expecting_the_students_exception(hw: Any, rng: Any) -> None:
    """pytest gets a class that lives elsewhere."""
    with pytest.raises(hw.functions.Own):
        hw.functions.f(2)


def catching_the_students_exception(hw: Any, rng: Any) -> None:
    """So does Python."""
    try:
        hw.functions.f(2)
    except hw.functions.Own as error:
        hw.advise(str(error))


def writing_into_an_array(hw: Any, rng: Any) -> None:
    """It moves a number of the student's, and moves a copy."""
    hw.functions.Own.w["b"][0] = 3.0


def writing_into_a_dict(hw: Any, rng: Any) -> None:
    """The same, for a key."""
    assert dict(hw.functions.Own.w) | {"c": 1}
    hw.functions.Own.w["b"] = 3.0


def writing_into_a_list(hw: Any, rng: Any) -> None:
    """The same, for a list, and for a list in a dict."""
    found = hw.functions.Own.items
    assert (sorted(found), [*found, 1], found[1:]) == ([2, 3], [3, 2, 1], [2])
    (found[1:]).append(1)
    hw.functions.Own.items.append(4)


def writing_into_a_set(hw: Any, rng: Any) -> None:
    """The same, for a set."""
    (hw.functions.Own.seen | {1}).add(2)
    hw.functions.Own.seen.copy().add(2)
    hw.functions.Own.seen.add(4)


def reading_the_source(hw: Any, rng: Any) -> None:
    """It looks for a loop."""
    inspect.getsource(hw.functions.f)


def going_back(hw: Any, rng: Any) -> None:
    """It goes back from an answer, whose graph stays in the student's process."""
    answer = pytest.importorskip("torch").ones(2)
    answer.sum().backward()


def running_a_coroutine(hw: Any, rng: Any) -> None:
    """It runs here what can only run there."""
    asyncio.run(hw.functions.Own)


def reading_a_dataclass(hw: Any, rng: Any) -> None:
    """It takes a student's object for one of this process."""
    dataclasses.asdict(hw.functions.Own)


def reading_what_was_caught(hw: Any, rng: Any) -> None:
    """It asks what was caught, and not the student's exception."""
    with pytest.raises(KeyError) as caught:
        hw.functions.f(2)
    assert caught.value.missing


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


def adding(hw: Any, rng: Any) -> None:
    """It adds up."""
    assert hw.functions.text() + 1 == 3


def going_on(hw: Any, rng: Any) -> None:
    """It takes the next one."""
    assert next(hw.functions.many()) == 1


def taking_apart(hw: Any, rng: Any) -> None:
    """It takes a number apart."""
    _one, _two = hw.functions.f(2)


def comparing_arrays(hw: Any, rng: Any) -> None:
    """It compares arrays of two shapes."""
    found = hw.functions.row()
    assert np.allclose(found, np.ones(4))


def comparing_texts(hw: Any, rng: Any) -> None:
    """It compares a text with numbers."""
    assert np.allclose(hw.functions.text(), np.ones(4))


def asking_a_row(hw: Any, rng: Any) -> None:
    """It takes a row for one number."""
    assert hw.functions.row() > 0


def indexing(hw: Any, rng: Any) -> None:
    """It looks past the end of a row."""
    assert hw.functions.row()[5] == 1


def asking_by_name(hw: Any, rng: Any) -> None:
    """It takes a row for a dict."""
    assert hw.functions.row()["velocity"] == 1


def misusing_its_own(hw: Any, rng: Any) -> None:
    """Its own dict is no answer."""
    hw.functions.f(2)
    {}["a" + 1]


def subtracting(hw: Any, rng: Any) -> None:
    """f doubles a row."""
    assert np.abs(hw.functions.f(np.ones(3)) - 2 * np.ones(3)).max() < 1e-9


def averaging(hw: Any, rng: Any) -> None:
    """f doubles a row."""
    found = np.asarray(hw.functions.f(np.ones(3)))
    assert abs(found.mean() - 2) < 1e-9


def handing_on(hw: Any, rng: Any) -> None:
    """f doubles a row twice."""
    rows = np.array([hw.functions.f(np.ones(3)) for _ in range(2)])
    assert np.all(hw.functions.f(rows) == 4)


def going_along(hw: Any, rng: Any) -> None:
    """f doubles each row."""
    for row, one in zip(hw.functions.f(np.ones((2, 3))), np.ones(2), strict=True):
        assert float(row[0]) == 2 * one
        assert row @ np.ones(3) == 6


def counting(hw: Any, rng: Any) -> None:
    """f gives pairs."""
    assert dict(hw.functions.f(np.ones(3))) == {1: 3}


def taking_pairs(hw: Any, rng: Any) -> None:
    """f gives pairs."""
    steps = hw.functions.f(np.ones(3))
    assert [second for _, (_, second) in enumerate(steps)] == [2]


def listing(hw: Any, rng: Any) -> None:
    """f gives numbers, and prints nothing."""
    hw.printed()
    assert list(hw.functions.f(np.ones(3))) == [5, 6]


def taking_the_largest(hw: Any, rng: Any) -> None:
    """f gives two rows."""
    found = hw.functions.f(np.ones((2, 3)))
    assert max(found[0]) == 2
    assert np.max(found, axis=1).shape == (2,)
    assert np.reshape(found, (3, 2)).argmax() == 0
    assert np.linalg.det(found) == 0


@pytest.mark.parametrize(
    "answer",
    ["None", "[1, 2]", "[[1], [2, 3]]", "'text'", "['a', 1]", "{1: 2}", "{1, 2}", "b'ab'", "2**100", "[None, 1.0]",
     "[]", "range(3)", "x.tolist() + [1]", "[[], []]",
     "np.zeros((2, 3, 4))", "np.ones(2)", "5", "1j", "True", "iter([1])", "x[:, :2] if x.ndim > 1 else x[:2]"],
)  # fmt: skip
def test_an_answer_of_any_other_kind_in_a_sum_is_no_fault_of_the_check(tmp_path, answer):
    work = replace(SUBMISSION, files={"functions.py": f"import numpy as np\ndef f(x): return {answer}\n".encode()})
    checks = subtracting, averaging, handing_on, going_along, counting, listing, taking_pairs, taking_the_largest
    report = grade(work, homework(tmp_path, *checks), seed=1)
    wrong = {Verdict.FAIL, Verdict.NOT_IMPLEMENTED, Verdict.RAISED}
    assert {check.name: check.verdict for check in report.checks if check.verdict not in wrong} == {}


def sending_an_object(hw: Any, rng: Any) -> None:
    """It sends what cannot be sent, after an answer that is right."""
    hw.functions.f(np.ones(3))
    hw.functions.f(np.array([object()]))


def dividing(hw: Any, rng: Any) -> None:
    """f halves the error."""
    errors = [hw.functions.f(at) for at in (1, 2)]
    assert errors[0] / errors[1] == 2


def taking_the_logarithm(hw: Any, rng: Any) -> None:
    """f is positive."""
    assert math.log(hw.functions.f(2)) >= 0


def counting_up(hw: Any, rng: Any) -> None:
    """f is a small number."""
    assert len(np.bincount([int(hw.functions.f(2))])) == 3


def dividing_its_own(hw: Any, rng: Any) -> None:
    """The check's own numbers cannot be divided."""
    hw.functions.f(2)
    assert 1 / len([]) == 0


def test_a_value_for_which_there_is_no_result_is_a_wrong_answer(tmp_path):
    def verdicts_of(answer: str, *checks: Any) -> list[Verdict]:
        work = replace(SUBMISSION, files={"functions.py": f"def f(x): return {answer}\n".encode()})
        return [check.verdict for check in grade(work, homework(tmp_path, *checks), seed=1).checks]

    assert verdicts_of("0", dividing, taking_the_logarithm, dividing_its_own) == [Verdict.FAIL] * 2 + [Verdict.INTERNAL]
    for answer in ("-1", "float('nan')", "float('inf')"):
        assert verdicts_of(answer, counting_up) == [Verdict.FAIL]


def test_an_array_that_is_made_of_no_answer_is_the_checks_own(tmp_path):
    with pytest.raises(UsageError, match="a ndarray of object cannot be sent"):
        grade(SUBMISSION, homework(tmp_path, sending_an_object), seed=1)


def test_an_answer_of_another_type_or_shape_is_a_wrong_answer(tmp_path):
    code = b"import numpy as np\ndef f(x): return 2 * x\ndef text(): return '2'\ndef many(): return [1, 2]\n"
    work = replace(SUBMISSION, files={"functions.py": code + b"def row(): return np.ones(3)\n"})
    checks = (
        adding, going_on, taking_apart, comparing_arrays, comparing_texts, asking_a_row, indexing, asking_by_name,
        misusing_its_own,
    )  # fmt: skip
    *judged, own = grade(work, homework(tmp_path, *checks), seed=1).checks
    assert [one.name for one in judged if one.verdict is not Verdict.FAIL] == []
    begin = "an answer has another type or shape than expected: "
    assert judged[1].message == f"{begin}'list' object is not an iterator"
    assert judged[3].message.startswith(f"{begin}operands could not be broadcast together with shapes (3,) (4,)")
    assert own.verdict is Verdict.INTERNAL


def test_a_check_that_skips_as_a_test_does_is_skipped_and_none_expects_a_failure(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, skipping, skipping_in_silence), seed=1)
    assert [(check.verdict, check.message) for check in report.checks] == [
        (Verdict.SKIPPED, "no camera here"),
        (Verdict.SKIPPED, "the check skipping_in_silence skipped this, and gave no reason"),
    ]


@pytest.mark.parametrize(
    ("misusing", "says"),
    [
        (expecting_a_failure, r"pytest\.xfail has no meaning in a check; raise"),
        (expecting_the_students_exception, "`except` and pytest.raises cannot take it; write expect_raises"),
        (catching_the_students_exception, "`except` and pytest.raises cannot take it; write expect_raises"),
        (writing_into_an_array, r"an attribute is read as a copy, so writing into it is lost"),
        (writing_into_a_dict, r"an attribute is read as a copy, so writing into it is lost"),
        (writing_into_a_list, r"an attribute is read as a copy, so writing into it is lost"),
        (writing_into_a_set, r"an attribute is read as a copy, so writing into it is lost"),
        (reading_the_source, r"the student's code has no source here; read the file's: hw\.source\("),
        (running_a_coroutine, "a student's coroutine runs in the student's process; run it there"),
        (reading_a_dataclass, r"a student's object is a dataclass in the student's process alone; read .*vars\(a\)"),
        (going_back, r"an answer comes without its graph; keep it there: `out = hw\.MODULE\.f\.kept\(x\)`"),
        (reading_what_was_caught, r"the exception that was caught has no missing; read it from .* hw\.raised\(\)"),
    ],
)
def test_what_a_check_cannot_mean_is_refused_with_its_line_and_the_cure(misusing, says, tmp_path):
    values = b"w, items, seen = {'b': numpy.zeros(2)}, [3, 2], {1}"
    code = b"import numpy\nclass Own(KeyError):\n    %b\ndef f(x):\n    raise Own(x)\n" % values
    work = Submission("s", {"functions.py": code}, {}, "")
    with pytest.raises(UsageError, match=rf"test_verdict\.py:\d+: .*{says}"):
        grade(work, homework(tmp_path, misusing), seed=1)


def asserting(hw: Any, rng: Any) -> None:
    """f(2) is 5."""
    if hw.functions.f(2) != 5:
        raise AssertionError  # pytest would give an `assert` of this file a text


def asserting_aloud(hw: Any, rng: Any) -> None:
    """It says what it asserts."""
    if hw.functions.f(2) != 5:
        raise AssertionError("f(2) is odd")


def asserting_arrays(hw: Any, rng: Any) -> None:
    """It leaves that to numpy."""
    np.testing.assert_allclose(hw.functions.f(2), 5)


def expecting_an_exception(hw: Any, rng: Any) -> None:
    """f raises."""
    with pytest.raises((ValueError, KeyError), match="two"):
        hw.functions.f(2)


def unpacking(hw: Any, rng: Any) -> None:
    """It takes an answer apart."""
    _one, _two, _three = hw.functions.f((1,))


def looking_far(hw: Any, rng: Any) -> None:
    """It takes the last part of an answer."""
    assert hw.functions.f([1])[5] == 1


def looking_up(hw: Any, rng: Any) -> None:
    """It looks for a key in an answer."""
    assert hw.functions.table()["mean"] == 1


def reading_json(hw: Any, rng: Any) -> None:
    """It reads what an answer says."""
    json.loads(hw.functions.f("{"))


def reading_a_pickle(hw: Any, rng: Any) -> None:
    """It reads what an answer holds."""
    pickle.loads(hw.functions.f(b"no"))


def reading_a_number(hw: Any, rng: Any) -> None:
    """It takes a text for a number."""
    float(hw.functions.f("one"))


def asserted_by_the_engine(hw: Any, rng: Any) -> None:
    """The engine asserts something."""
    in_the_engine("assert False")


def test_what_a_check_asserts_of_an_answer_costs_its_points_and_is_told(tmp_path):
    checks = (
        asserting,
        asserting_aloud,
        asserting_arrays,
        expecting_an_exception,
        unpacking,
        looking_far,
        looking_up,
        reading_json,
    )
    unread = "what your code wrote cannot be read:"
    code = SUBMISSION.files["functions.py"] + b"def table(): return {'average': 1}\n"
    work = replace(SUBMISSION, files={"functions.py": code})
    report = grade(work, homework(tmp_path, *checks, reading_a_pickle, reading_a_number), seed=1)
    assert set(verdicts(report).values()) == {Verdict.FAIL}
    assert [check.message for check in report.checks] == [
        "this does not hold for your answer: f(2) is 5.",
        "f(2) is odd",
        "Not equal to tolerance rtol=1e-07, atol=0 Mismatched elements: 1 / 1 (100%)",
        "any of (ValueError, KeyError) must be raised here, but nothing was raised",
        "an answer has other parts than expected: not enough values to unpack (expected 3, got 2)",
        "an answer has other parts than expected: list index out of range",
        "an answer is a dict without the key 'mean'",
        f"{unread} Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        f"{unread} invalid load key, 'n'.",
        f"{unread} could not convert string to float: 'oneone'",
    ]


def read_by_the_engine(hw: Any, rng: Any) -> None:
    """The engine reads what is not there."""
    in_the_engine("[].items")


def in_the_engine(code: str) -> None:
    exec(compile(code, str(ROOT / "grader" / "grading.py"), "exec"), {})


def test_what_the_engine_does_is_no_fault_of_an_answer(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, asserted_by_the_engine, read_by_the_engine), seed=1)
    assert set(verdicts(report).values()) == {Verdict.INTERNAL}
    assert ["AssertionError" in check.message for check in report.checks] == [True, False]


def leaving_none_to_numpy(hw: Any, rng: Any) -> None:
    """It gives numpy an answer whose kind numpy does not name."""
    found = hw.functions.nothing()
    assert np.isfinite(found).all()


def reading_a_counter(hw: Any, rng: Any) -> None:
    """It asks a dict for what a Counter has."""
    hw.functions.table().most_common()


def leaving_nothing_to_numpy(hw: Any, rng: Any) -> None:
    """It breaks, and no answer is None."""
    found = "text"
    np.isfinite(found)


def test_a_none_that_a_check_uses_is_work_that_is_not_done(tmp_path):
    code = b"def nothing(): return None\ndef table(): return {}\n"
    checks = leaving_none_to_numpy, reading_a_counter, leaving_nothing_to_numpy
    report = grade(replace(SUBMISSION, files={"functions.py": code}), homework(tmp_path, *checks), seed=1)
    assert list(verdicts(report).values()) == [Verdict.NOT_IMPLEMENTED, Verdict.FAIL, Verdict.INTERNAL]
    assert report.checks[1].message == "an answer is a plain dict, and its most_common was read: an object was expected"


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
