"""Answers far larger than what was asked for: refused by their size, and never converted or copied here."""

from __future__ import annotations

import resource
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.errors import Crashed, Mismatch, StudentError
from grader.measure.expect import expect_close, expect_relative, gather, unpack
from grader.model import Limits, Section, Submission
from grader.sandbox.launch import spawn
from grader.sandbox.process import ANSWER
from grader.sandbox.session import Session

pytestmark = pytest.mark.medium

SECTION = Section("main", {"layers": "layers.py"}, ("layers.py",))
SOURCE = b"""
import numpy as np
def large(mib):
    return np.ones((mib << 20,), np.int8).reshape([2] * 15 + [-1])
def text(mib):
    return "x" * (mib << 20)
def names(count):
    return ["relu"] * count
def same(x):
    return x
def twice(x):
    return x, [x] * 6
"""


@pytest.fixture(scope="module")
def session():
    submission = Submission("ada", {"layers.py": SOURCE}, {}, "")
    with Session(SECTION, submission, {"layers.py": b""}, Limits(), spawn) as found:
        yield found


def ask(session: Session, function: str, *args: Any) -> Any:
    return session.ask("call", "layers", (function,), [args])[0]


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@pytest.mark.parametrize(("function", "size"), [("large", 224), ("text", 224), ("large", 33), ("text", 33)])
def test_an_answer_is_at_most_a_few_times_what_was_asked(session, function, size):
    before = peak()
    says = rf"^{function} returned far more than was asked for: {size} MB; at most 32 MB can be taken$"
    with pytest.raises(Crashed, match=says):
        ask(session, function, size)
    assert peak() - before < 10 << 20


def test_what_was_given_may_come_back_several_times(session):
    x = np.zeros((9, 1 << 19))
    assert x.nbytes > ANSWER
    assert ask(session, "same", x).shape == x.shape
    assert len(ask(session, "twice", x)[1]) == 6


def test_many_texts_are_an_answer_of_the_wrong_kind(session):
    found = ask(session, "names", 900_000)
    with pytest.raises(Mismatch, match="out should be a numeric array"):
        expect_close(subject(), "out", found, np.zeros((4, 3)), atol=1e-9)


def subject() -> Any:
    return SimpleNamespace(measure=lambda measure: None, tolerance=1e-9)


TRUE = np.broadcast_to(np.True_, (2,) * 15 + (1 << 13,))
LARGE = np.broadcast_to(np.int8(1), (2,) * 15 + (1 << 13,))  # 256 million entries, one byte of memory


@pytest.mark.parametrize(
    "compare",
    [
        lambda: expect_close(subject(), "out", LARGE, np.zeros((4, 3)), atol=1e-9),
        lambda: expect_close(subject(), "out", LARGE, np.zeros((4, 3)), rtol=1e-9),
        lambda: expect_close(subject(), "out", TRUE, np.zeros((4, 3)), atol=1e-9),
        lambda: expect_relative(subject(), "out", LARGE, np.zeros((4, 3)), bar=1e-9),
        lambda: gather("loss", [LARGE]),
        lambda: unpack("f", LARGE, ("out",)),
        lambda: expect_close(subject(), "out", "x" * (200 << 20), np.zeros((4, 3)), atol=1e-9),
        lambda: expect_close(subject(), "out", b"x" * (200 << 20), np.zeros((4, 3)), atol=1e-9),
    ],
)
def test_shapes_are_compared_before_anything_is_converted(compare):
    before = peak()
    with pytest.raises(StudentError):
        compare()
    assert peak() - before < 450 << 20


def test_a_shape_that_a_mistake_explains_is_still_explained():
    right = np.arange(12.0).reshape(4, 3)
    with pytest.raises(Mismatch, match=r"has shape \(3, 4\); expected \(4, 3\) \(it is the transpose\)"):
        expect_close(subject(), "out", right.T, right, atol=1e-9)
    rows = np.repeat(right[None], 64, axis=0) / 64
    with pytest.raises(Mismatch, match="its sum over axis 0 is right"):
        expect_close(subject(), "out", rows, right, atol=1e-9)
