"""Whose fault an exception in a check is: the author's, with the cure, or the student's, with a sentence."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import math
import pickle
import re
import unittest
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tiny import SUBMISSION, homework, verdicts

from grader.errors import UsageError
from grader.grading import grade
from grader.loading import ROOT
from grader.model import (
    Submission,
    Verdict,
)
from grader.report import html
from grader.report import json as as_json
from grader.report.text import show


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
    assert own.broke == ""  # the message tells it


def test_staff_see_the_line_of_a_check_that_an_answer_broke(tmp_path, capsys):
    """The answer may be right, and only unlike the reference's."""
    work = replace(SUBMISSION, files={"functions.py": b"def f(x): return 2 * x\ndef text(): return '2'\n"})
    report = grade(work, homework(tmp_path, adding, not_holding), seed=1)
    broke, held = report.checks
    assert re.fullmatch(r"test_broken\.py:\d+: assert hw\.functions\.text\(\) \+ 1 == 3", broke.broke)
    assert (held.verdict, held.broke) == (Verdict.FAIL, "")  # the check itself says that this does not hold
    for audience, told in (("staff", 1), ("student", 0)):
        show(report, audience=audience)
        assert capsys.readouterr().out.count("own line broke") == told
        assert html.render(report, audience=audience, figures=False).count("own line broke") == told
        assert as_json.render(report, audience=audience).count("functions.text()") == told
    assert as_json.parse(as_json.document(report)).checks[0].broke == broke.broke


def not_holding(hw: Any, rng: Any) -> None:
    """It asserts."""
    assert hw.functions.f(2) == 5


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
    with pytest.raises(UsageError, match=rf"test_broken\.py:\d+: .*{says}"):
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
