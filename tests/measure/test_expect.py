"""expect_*: what passes, what is raised, and that a Measure is left either way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.errors import Mismatch, NotImplementedYet, Raised
from grader.measure.diagnose import Clue
from grader.measure.expect import (
    expect_accuracy,
    expect_close,
    expect_equal,
    expect_gradient,
    expect_one_of,
    expect_raises,
    expect_relative,
    gather,
    is_number,
    is_stub,
    kept_clues,
    once,
    unpack,
)
from grader.model import Measure
from grader.reference import Live


@dataclass
class Hw:
    tolerance: float = 1e-9
    answers: Live = field(default_factory=lambda: Live({}))
    measures: list[Measure] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    recording: bool = False
    reference: Any = None

    def advise(self, sentence: str) -> None:
        self.advice.append(sentence)

    def ask_once(self, key: bytes, make: Any) -> Any:
        return self.answers.once(key, make)

    def measure(self, measure: Measure) -> None:
        self.measures.append(measure)


def test_close_passes_and_measures_against_the_items_tolerance() -> None:
    hw = Hw()
    expect_close(hw, "out", np.array([1.0, 2.0 + 4e-10]), np.array([1.0, 2.0]))
    (measure,) = hw.measures
    assert (measure.name, measure.bound, measure.at_least) == ("out", 1e-9, False)
    assert measure.value == pytest.approx(4e-10, rel=1e-3)


@pytest.mark.parametrize(
    ("yours", "off"),
    [
        (np.array([1.0, 2.1]), 0.1),
        (np.array([[1.0, 2.0]]), np.inf),
        (np.array([1.0, np.nan]), np.inf),
        (np.array([1.0, np.inf]), np.inf),
        (1.0, np.inf),
        ("text", np.inf),
        (object(), np.inf),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_wrong_answer_of_any_kind_is_a_mismatch_and_is_measured(yours: Any, off: float) -> None:
    hw = Hw()
    with pytest.raises(Mismatch, match="out"):
        expect_close(hw, "out", yours, np.array([1.0, 2.0]))
    assert [measure.value for measure in hw.measures] == [pytest.approx(off)]


@pytest.mark.parametrize("yours", [None, (None, None), {"W1": None}])
def test_unfinished_work_is_not_implemented_yet(yours: Any) -> None:
    with pytest.raises(NotImplementedYet):
        expect_close(Hw(), "out", yours, np.zeros(2))


def test_a_relative_error_is_told_briefly_and_of_the_entries_that_are_wrong() -> None:
    right = np.linspace(1.0, 2.0, 12).reshape(3, 4)
    one = right + 0.5 * (np.arange(12) == 7).reshape(3, 4)
    with pytest.raises(
        Mismatch, match=r"at \[1, 3\].*1 of 12 entries, all others are right\); its relative error is 1.3e-01"
    ):
        expect_relative(Hw(), "out", one, right, bar=1e-8)
    with pytest.raises(Mismatch, match=r"is it counted twice, or is a factor 1/2 missing\?\)$") as told:
        expect_relative(Hw(), "the output of the layer in test mode", 2 * right, right, bar=1e-8)
    assert len(str(told.value).split()) <= 30


def test_a_list_is_right_where_one_is_expected() -> None:
    for expected in ([1.0, 2.5], (1, 2.5), [[1.0], [2]], [2 + 1j, 3.0], [np.ones(2), np.zeros(2)], []):
        expect_close(Hw(), "out", list(expected), expected)
    expect_close(Hw(), "out", np.array([1.0, 2.0]), [1.0, 2.0])
    expect_relative(Hw(), "out", (1.0, 2.0), [1.0, 2.0], bar=1e-9)
    expect_one_of(Hw(), "out", [3.0], [[1.0], [3.0]])
    for yours, expected in (
        ([1.0, 2.0], [1.0, 2.1]),
        ([1.0], [1.0, 1.0]),
        ([[1.0], [2.0, 3.0]], [[1.0], [2.0]]),
        ([1.0, "2"], [1.0, 2.0]),
        ([True], [1.0]),
        ([1.0, 2.0], np.array([1.0, 2.0])),
    ):
        with pytest.raises(Mismatch):
            expect_close(Hw(), "out", yours, expected)


def test_the_bar_does_not_grow_with_the_array() -> None:
    expected = np.zeros((100, 100))
    with pytest.raises(Mismatch):
        expect_close(Hw(), "out", expected + 2e-9 * np.eye(100), expected)


def cube(x: Any) -> Any:
    return x**3


X = np.array([[0.5, -1.0, 2.0]])
UPSTREAM = np.array([[1.0, -2.0, 0.5]])


def test_gradient_with_and_without_upstream() -> None:
    hw = Hw()
    expect_gradient(hw, "grad_x", 3 * X**2 * UPSTREAM, cube, at=X, upstream=UPSTREAM)
    expect_gradient(hw, "grad_x", 3 * X**2, lambda x: np.sum(x**3), at=X)
    assert all(measure.value < 1e-10 for measure in hw.measures)
    with pytest.raises(Mismatch):
        expect_gradient(hw, "grad_x", 3 * X**2, cube, at=X, upstream=UPSTREAM)


def test_gradient_of_a_wrong_own_forward_is_said() -> None:
    with pytest.raises(Mismatch, match="your forward"):
        expect_gradient(
            Hw(), "grad_x", 2 * X * UPSTREAM, cube, at=X, upstream=UPSTREAM, own=lambda points: [x**2 for x in points]
        )


def test_own_forward_is_not_asked_after_a_right_answer() -> None:
    def own(x: Any) -> Any:
        raise AssertionError("asked")

    expect_gradient(Hw(), "grad_x", 3 * X**2 * UPSTREAM, cube, at=X, upstream=UPSTREAM, own=own)


def test_nothing_more_is_asked_once_a_clue_fits() -> None:
    """Neither another clue, which a handout may lack and say so, nor the student's own forward pass."""

    def clues() -> Any:
        yield Clue("it is twice as large", 6 * X**2 * UPSTREAM)
        raise AssertionError("asked")

    def own(points: Any) -> Any:
        raise AssertionError("asked")

    with pytest.raises(Mismatch, match="it is twice as large"):
        expect_gradient(Hw(), "grad_x", 6 * X**2 * UPSTREAM, cube, at=X, upstream=UPSTREAM, own=own, clues=clues())


def raising(x: Any) -> Any:
    raise Raised("fc_forward raised ValueError")


@pytest.mark.parametrize(
    "own",
    [
        lambda points: [None] * len(points),
        lambda points: [x.sum() for x in points],
        lambda points: ["text"] * len(points),
        raising,
    ],
)
def test_an_own_forward_that_cannot_be_measured_leaves_the_mismatch_as_it_is(own: Any) -> None:
    with pytest.raises(Mismatch, match="grad_x"):
        expect_gradient(Hw(), "grad_x", X, cube, at=X, upstream=UPSTREAM, own=own)


def test_accuracy_reaches_or_misses_its_bar() -> None:
    hw = Hw()
    expect_accuracy(hw, "validation accuracy", 0.4, 0.4)
    with pytest.raises(Mismatch, match=r"39\.98%; at least 40%"):
        expect_accuracy(hw, "validation accuracy", 0.3998, 0.4)
    assert [(m.value, m.bound, m.at_least) for m in hw.measures] == [(0.4, 0.4, True), (0.3998, 0.4, True)]


@pytest.mark.parametrize("value", [39.9, -0.1, float("nan"), "0.5", True])
def test_accuracy_is_a_fraction(value: Any) -> None:
    with pytest.raises(Mismatch, match="between 0 and 1"):
        expect_accuracy(Hw(), "accuracy", value, 0.4)


def test_unpack_gives_the_promised_parts() -> None:
    assert unpack("f3", (1.0, None), ("L", "grads")) == (1.0, None)
    assert unpack("f3", [1.0, 2.0], ("L", "grads")) == (1.0, 2.0)
    assert unpack("interval", np.quantile([0.0, 4.0], [0.25, 0.75]), ("low", "high")) == (1.0, 3.0)


@pytest.mark.parametrize("value", [None, (None, None), [None]])
def test_unpack_knows_the_stub(value: Any) -> None:
    with pytest.raises(NotImplementedYet, match="f3 returned None"):
        unpack("f3", value, ("L", "grads"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 3)), r"f3 returned a single array of shape \(2, 3\); expected \(L, grads\)"),
        (1.5, r"f3 returned a single number; expected \(L, grads\)"),
        ((1.0,), r"f3 returned a tuple of 1 value; expected 2: \(L, grads\)"),
        ((1.0, 2.0, 3.0), r"f3 returned a tuple of 3 values; expected 2: \(L, grads\)"),
    ],
)
def test_unpack_says_what_came_instead(value: Any, message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        unpack("f3", value, ("L", "grads"))


def test_gather_makes_a_vector_of_numbers() -> None:
    gathered = gather("L", [1, 2.5, np.float32(0.5), np.array(4.0), 10**400])
    assert gathered.tolist() == [1.0, 2.5, 0.5, 4.0, float("inf")]


@pytest.mark.parametrize("value", ["1", 1j, np.zeros(1), [1.0], True])
def test_gather_refuses_what_is_no_number(value: Any) -> None:
    assert not is_number(value)
    with pytest.raises(Mismatch, match="L should be one number, but call 1"):
        gather("L", [1.0, value])


def test_a_zero_is_an_answer_not_a_stub() -> None:
    assert not is_stub(0.0)
    assert not is_stub((0.0, None))


def test_what_the_reference_gives_is_computed_once_for_the_same_numbers_alone() -> None:
    hw, computed = Hw(), []

    def ask(*of: Any) -> Any:
        return once(hw, of, lambda: computed.append(of) or np.array([float(len(computed))]))

    x = np.array([1.0, 2.0])
    first = ask("f", x, 0.5)
    assert ask("f", x.copy(), 0.5) is first
    for other in (("g", x, 0.5), ("f", x + 1e-15, 0.5), ("f", x[:, None], 0.5), ("f", x.astype(np.float32), 0.5),
                  ("f", x, 0.25), ("f", x, None), ("f", x)):  # fmt: skip
        assert ask(*other) is not first
    assert len(computed) == 8
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 0.0


def test_a_gradient_is_measured_once_for_a_whole_class() -> None:
    hw, calls = Hw(), []

    def counted(x: Any) -> Any:
        calls.append(1)
        return cube(x)

    for _ in range(2):
        expect_gradient(hw, "grad_x", 3 * X**2 * UPSTREAM, counted, at=X, upstream=UPSTREAM, of=("cube",))
    assert len(calls) == 4 * X.size
    with pytest.raises(Mismatch):
        expect_gradient(hw, "grad_x", X, counted, at=X, upstream=UPSTREAM, of=("cube",))
    expect_gradient(hw, "grad_x", 3 * X**2 * UPSTREAM, counted, at=X, upstream=UPSTREAM)
    assert len(calls) == 8 * X.size


def test_a_trusted_gradient_is_expected_only_where_the_function_confirms_it() -> None:
    at = np.array([1.0, 2.0, 3.0])
    calls = []

    def f(x: Any) -> float:
        calls.append(x)
        return float((x**2).sum())

    expect_gradient(Hw(), "grad", 2 * at, f, at=at, trusted=lambda: 2 * at)
    assert len(calls) == 4
    expect_gradient(
        Hw(), "grad", 2 * at, f, at=at, trusted=lambda: 3 * at
    )  # a wrong reference rejects nobody who is right
    with pytest.raises(Mismatch):
        expect_gradient(Hw(), "grad", 3 * at, f, at=at, trusted=lambda: 3 * at)


def test_an_answer_that_is_kept_is_told() -> None:
    x, w = np.arange(6.0).reshape(2, 3), np.ones((3, 4))
    first, calls = [], []

    def stale(x: Any, w: Any) -> Any:
        first.append(x)
        return first[0] @ w

    def adds_up(x: Any, w: Any) -> Any:
        calls.append(x @ w)
        return sum(calls)

    def wrong(x: Any, w: Any) -> Any:
        return x @ w + 1 + np.arange(4)

    def raises(x: Any, w: Any) -> Any:
        raise Raised("f raised ValueError")

    stale(x + 1, w)
    for ask, says in ((stale, "another x changes nothing"), (adds_up, "asked again"), (wrong, ""), (raises, "")):
        yours = wrong(x, w) if ask is raises else ask(x, w)
        with pytest.raises(Mismatch) as miss:
            expect_close(Hw(), "out", yours, 3 * x @ w + 5, clues=kept_clues(ask, x=x, w=w))
        told = [word for word in ("changes nothing", "asked again") if word in miss.value.message]
        assert (says in miss.value.message) if says else not told, miss.value.message


def test_an_answer_that_is_cut_off_ignores_nothing() -> None:
    for ask, told in ((lambda reg: np.minimum(np.array(reg), 10.0), False), (lambda reg: np.array(10.0), True)):
        clues = kept_clues(ask, reg=20.0)
        assert any(clue.fits(np.array(10.0), np.array(20.0)) for clue in clues) is told


def test_infinite_answers_are_the_same_when_asked_again() -> None:
    clues = kept_clues(lambda x: np.array([np.inf, np.nan, 1.0]), x=np.ones(3))
    with pytest.raises(Mismatch) as miss:
        expect_close(Hw(), "out", np.array([np.inf, np.nan, 1.0]), np.zeros(3), clues=clues[:1])
    assert "asked again" not in miss.value.message


@pytest.mark.parametrize("value", [np.inf, 0.0, -1.0])
def test_an_answer_that_another_mistake_makes_the_same_for_all_is_not_called_kept(value: float) -> None:
    clues = kept_clues(lambda x: np.array([value]), x=np.ones(3))
    assert not any(clue.fits(np.array([value]), np.full(1, 0.3)) for clue in clues)


@pytest.mark.parametrize(
    ("yours", "expected"),
    [
        ("a", "a"),
        ({"a": [1, (2, None)]}, {"a": [1, (2, None)]}),
        ({1, (2, 3)}, frozenset({1, (2, 3)})),
        (np.array([[1, 2]]), np.array([[1.0, 2.0]])),
        (np.array(["x"]), np.array(["x"])),
        ([None], [None]),
        (None, None),
        (float("inf"), float("inf")),
        (1 + 2j, 1 + 2j),
        ([], []),
    ],
)
def test_equal_values_pass(yours: Any, expected: Any) -> None:
    hw = Hw()
    expect_equal(hw, "out", yours, expected)
    assert [measure.value for measure in hw.measures] == [0.0]


@pytest.mark.parametrize(
    ("yours", "expected", "said"),
    [
        ("merge", "merry", "out is 'merge', which is wrong from character 3 on, expected 'merry'"),
        (["a", "b"], ["a", "c"], "out[1] is 'b', which is wrong from character 0 on, expected 'c'"),
        ([1], [1, 2], "out has 1 element, expected 2"),
        (
            [[1, "a", 3]],
            [[1, "b"]],
            "out[0] has 3 elements; [1] is the first wrong one: it is 'a', which is wrong from character 0 on, "
            "expected 2, and there 'b'",
        ),
        ((1, 2), [1, 2], "out is (1, 2), which is of another type, expected a list of 2"),
        ({"a": 1}, {"a": 1, "b": 2}, "out lacks 1 key, expected the key 'b'"),
        ({"a": 1, "b": 2}, {"a": 1}, "out has 1 key too many, such as 'b', expected 1 key"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "out['a']['b'] is 1, expected 2"),
        ({1, 2}, {1}, "out has 1 element too many, such as 2, expected 1 element"),
        ({1}, {1, (2, "a")}, "out lacks 1 element, expected (2, 'a')"),
        (np.array([[1, 2]]), np.array([[1, 3]]), "out[0, 1] is 2, expected 3"),
        (np.zeros((2, 1)), np.zeros(2), "out has shape (2, 1), expected (2,)"),
        (np.array(5), 5, "out is an array of int64 of shape (), expected 5"),
        (float("nan"), float("nan"), "out is nan, expected nan"),
        (False, True, "out is False, expected True"),
        (
            object,
            date(2024, 2, 29),
            "out is class 'object'; only a text or number of it can be compared, expected 2024-02-29",
        ),
        (object, 3, "out is class 'object', expected 3"),
    ],
)
def test_the_first_place_that_differs_is_told(yours: Any, expected: Any, said: str) -> None:
    with pytest.raises(Mismatch) as caught:
        expect_equal(Hw(), "out", yours, expected, reveal=True)
    assert caught.value.message == said
    with pytest.raises(Mismatch) as caught:
        expect_equal(Hw(), "out", yours, expected)
    assert caught.value.message == said.partition(", expected")[0]


def test_an_empty_answer_is_no_stub() -> None:
    with pytest.raises(Mismatch, match="out has 0 elements"):
        expect_equal(Hw(), "out", [], [1])
    with pytest.raises(NotImplementedYet):
        expect_equal(Hw(), "out", (None, None), (1, 2))


def raising(*kinds: str) -> Any:
    def call() -> None:
        error = Raised("pop raised something")
        error.kinds = kinds
        raise error

    return call


def test_an_expected_exception_passes_by_its_class_or_name() -> None:
    own = raising("stack.Empty", "IndexError", "LookupError", "Exception")
    for error in (IndexError, LookupError, "Empty", "stack.Empty"):
        expect_raises(Hw(), "pop", own, error)
    expect_raises(Hw(), "pop", own, SimpleNamespace(__name__="Empty"))  # as `hw.stack.Empty` is
    expect_raises(Hw(), "solve", raising("numpy.linalg.LinAlgError", "ValueError"), np.linalg.LinAlgError)


def test_another_exception_or_none_is_wrong() -> None:
    for call, said in (
        (raising("stack.IndexError", "Exception"), "pop must raise IndexError; instead, pop raised something"),
        (lambda: None, "pop must raise IndexError, but gave None"),
        (lambda: [1], "pop must raise IndexError, but gave a list of 1"),
    ):
        hw = Hw()
        with pytest.raises(Mismatch) as caught:
            expect_raises(hw, "pop", call, IndexError)
        assert caught.value.message == said
        assert [measure.value for measure in hw.measures] == [1.0]
    with pytest.raises(Raised, match="pop raised something"):  # the process ended, or a file cannot be imported
        expect_raises(Hw(), "pop", raising(), Exception)


def test_a_relative_tolerance_takes_an_exact_zero() -> None:
    """As numpy.isclose does: a matrix with zeros is right where it is exactly so."""
    right = np.array([[2.0, -1.0], [0.0, 2.0]])
    expect_close(Hw(), "m", right * (1 + 1e-12), right, rtol=1e-9)
    expect_close(Hw(), "z", right + 0j, right + 0j, rtol=1e-9)
    with pytest.raises(Mismatch, match=r"m is wrong at \[0, 1\].*\(1 of 4 entries"):
        expect_close(Hw(), "m", right * [[1, 2], [1, 1]], right, rtol=1e-9)


@pytest.mark.parametrize("compare", [lambda y, e: expect_close(Hw(), "m", y, e, rtol=1e-9),
                                     lambda y, e: expect_relative(Hw(), "m", y, e, bar=1e-9)])  # fmt: skip
def test_a_number_is_never_within_a_tolerance_of_an_infinite_one(compare: Any) -> None:
    for right in (np.inf, -np.inf, np.nan):
        with np.errstate(all="ignore"), pytest.raises(Mismatch, match=r"m is wrong at \[0\]"):
            compare(np.array([5.0, 1.0]), np.array([right, 1.0]))


Z = np.array([1 + 1j, 1e6 - 1e-12j])


def test_complex_numbers_are_compared_in_both_parts() -> None:
    expect_close(Hw(), "z", Z + 1e-10, Z)
    expect_close(Hw(), "z", Z * (1 + 1e-9j), Z, rtol=1e-8)  # of the whole number, not of a part that is nearly 0
    expect_close(Hw(), "z", 3.0, 3 + 0j)
    expect_close(Hw(), "z", 1 + 2j, 1 + 2j)
    for yours, said in (
        (Z.real, "the imaginary part of z is wrong"),
        (Z.conj(), "the imaginary part of z is wrong .* the sign is wrong"),
        (Z + 1, "the real part of z is wrong"),
        (Z[:1], r"the real part of z has shape \(1,\)"),
        ("text", "the real part of z should be"),
        (Z * np.nan, "the real part of z is NaN"),
    ):
        hw = Hw()
        with pytest.raises(Mismatch, match=said):
            expect_close(hw, "z", yours, Z)
        assert not hw.measures[-1].value < hw.measures[-1].bound


def test_the_nearest_of_complex_answers_counts() -> None:
    """An eigenvector is right with any phase, and each of two roots is one."""
    turned = [Z * phase for phase in (1, -1, 1j, -1j)]
    for right in (*turned, list(Z)):
        expect_one_of(Hw(), "z", right, [*turned, list(Z)])
    expect_one_of(Hw(), "root", 3.0, [1 + 2j, 3 + 0j])
    expect_one_of(Hw(), "root", 1 + 2j, [3.0, 1 + 2j])
    for yours, said in ((Z * (1 + 1j), "part of z is wrong"), (Z.real, "imaginary part of z is wrong"), ("1", "be")):
        with pytest.raises(Mismatch, match=said):
            expect_one_of(Hw(), "z", yours, turned)


def test_what_cannot_compare_complex_numbers_says_so() -> None:
    for compare in (
        lambda: expect_relative(Hw(), "z", Z, Z, bar=1e-8),
        lambda: expect_gradient(Hw(), "z", Z, lambda x: x.sum() * 1j, at=np.ones(2), upstream=np.array(1.0)),
    ):
        with pytest.raises(TypeError, match="complex"):
            compare()
