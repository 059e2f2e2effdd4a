"""Numeric gradients against those known in closed form, and the error that decides a verdict."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.measure import numeric

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 4))


def test_gradient_of_a_scalar_function():
    assert numeric.error(numeric.gradient(lambda x: float(np.sum(np.exp(x))), X), np.exp(X)) < 1e-11


def test_gradient_of_a_number():
    found = numeric.gradient(lambda x: float(x**3), 2.0)
    assert found.shape == ()
    assert abs(found - 12) < 1e-10


def test_backward_is_the_vector_jacobian_product():
    w, upstream = RNG.normal(size=(4, 2)), RNG.normal(size=(3, 2))
    assert (
        numeric.error(
            numeric.backward(lambda x: np.tanh(x @ w), X, upstream), (upstream * (1 - np.tanh(X @ w) ** 2)) @ w.T
        )
        < 1e-11
    )


def test_a_large_output_elsewhere_adds_no_noise():
    """1e6 beside an output of order 1: summing first would leave 1e-7."""
    upstream = np.ones(2)
    found = numeric.backward(lambda x: np.array([1e6 * np.cos(x[0]), np.sin(x[1])]), np.array([0.3, 0.7]), upstream)
    assert abs(found[1] - np.cos(0.7)) < 1e-12


def test_x_is_left_alone_even_by_a_function_that_writes_to_it():
    x = X.copy()

    def writes(at):
        at *= 2
        return float(at.sum())

    assert numeric.error(numeric.gradient(writes, x), np.full(x.shape, 2.0)) < 1e-11
    np.testing.assert_array_equal(x, X)


def test_it_is_of_fourth_order():
    """A polynomial of degree four has no truncation error, one of degree five has."""
    assert abs(numeric.gradient(lambda x: float(x**4), 1.0, h=0.5) - 4) < 1e-12
    assert abs(numeric.gradient(lambda x: float(x**5), 1.0, h=0.5) - 5) > 1e-2


def test_integers_and_lists_are_taken_as_float64():
    assert numeric.error(numeric.gradient(lambda x: float((x**2).sum()), [1, 2]), [2, 4]) < 1e-12


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6), st.floats(-1e3, 1e3))
def test_error_is_the_largest_absolute_difference(values, shift):
    expected = np.array(values)
    assert numeric.error(expected, expected) == 0
    wrong = expected.copy()
    wrong[-1] += shift
    assert numeric.error(wrong, expected) == abs(wrong[-1] - expected[-1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_infinitely_wrong_even_where_it_is_expected(bad):
    assert numeric.error([1.0, bad], [1.0, bad]) == np.inf


def test_error_of_two_shapes_is_refused():
    with pytest.raises(ValueError, match="shapes"):
        numeric.error(np.zeros((1, 3)), np.zeros(3))


def test_error_of_empty_arrays_is_zero():
    assert numeric.error(np.zeros((0, 3)), np.zeros((0, 3))) == 0


def test_clear_of_zero():
    assert numeric.clear_of_zero([0.03, -1.0], 0.03)
    assert not numeric.clear_of_zero([0.02, -1.0], 0.03)
    assert not numeric.clear_of_zero([np.nan], 0.03)


def test_one_direction_confirms_a_gradient_and_no_other():
    """Four values of f, however many entries x has; an error that a check would reject, in any one entry, is seen."""
    asked = []

    def f(x):
        asked.append(x)
        return np.tanh(x @ w)

    w, upstream = RNG.normal(size=(4, 2)), RNG.normal(size=(3, 2))
    right = (upstream * (1 - np.tanh(X @ w) ** 2)) @ w.T
    assert numeric.confirms(f, X, upstream, right)
    assert len(asked) == len(numeric.STENCIL)
    for index in np.ndindex(X.shape):
        wrong = right.copy()
        wrong[index] += 1e-8
        assert not numeric.confirms(f, X, upstream, wrong)


@given(st.integers(0, 1 << 32))
def test_a_right_gradient_is_confirmed(seed):
    rng = np.random.default_rng(seed)
    x, w, upstream = rng.normal(size=(3, 4)), rng.normal(size=(4, 5)), rng.normal(size=(3, 5))
    assert numeric.confirms(lambda x: x @ w, x, upstream, upstream @ w.T)
