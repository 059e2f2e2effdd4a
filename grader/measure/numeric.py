"""Numeric gradients and the size of an error. Pure numpy, float64.

Five-point central differences have a truncation error of order h^4 and a round-off error of order eps / h. With h near
1e-3 and values of order 1, both are below 1e-12: a hundred times below the strictest bar. A three-point difference
cannot reach 1e-10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# (k, weight of the value at x + k h) in the derivative at x (Abramowitz and Stegun, 25.3.6).
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))

AGREES = 2e-11  # beside a derivative of order 1: ten times the round-off of the stencil, far below the strictest bar


def gradient(f: Callable[[Array], float], x: ArrayLike, *, h: float = 1e-3) -> Array:
    """The gradient of a scalar f at x, of x's shape."""
    return backward(f, x, np.array(1.0), h=h)


def backward(f: Callable[[Array], Any], x: ArrayLike, upstream: ArrayLike, *, h: float = 1e-3) -> Array:
    """The gradient of sum(f(x) * upstream) with respect to x, of x's shape; f(x) has upstream's shape.

    Each call of f gets a new array, which f may keep or change.
    """
    return slope([f(point) for point in around(x, h=h)], np.shape(x), upstream, h=h)


def confirms(f: Callable[[Array], Any], x: ArrayLike, upstream: ArrayLike, found: Array, *, h: float = 1e-3) -> bool:
    """Whether `found` is the gradient of sum(f(x) * upstream) at x, as far as its derivative along one random direction
    tells. That takes four values of f where `backward` takes four for each entry of x."""
    at = np.array(x, dtype=np.float64)
    rng = np.random.default_rng(at.size)
    direction = rng.choice([-1.0, 1.0], at.shape) * rng.uniform(0.5, 1.0, at.shape)  # no entry is left out
    direction /= np.linalg.norm(direction)
    values = [f(at + steps * h * direction) for steps, _ in STENCIL]
    along, told = float(slope(values, (), upstream, h=h)), float((found * direction).sum())
    return abs(along - told) <= AGREES * max(1.0, abs(told))


def around(x: ArrayLike, *, h: float = 1e-3) -> list[Array]:
    """The points where a function must be evaluated for its gradient at x: entry by entry, in the stencil's order."""
    at = np.array(x, dtype=np.float64)
    points = []
    for index in np.ndindex(at.shape):
        for steps, _ in STENCIL:
            moved = at.copy()
            moved[index] += steps * h
            points.append(moved)
    return points


def slope(values: Sequence[Any] | Array, shape: tuple[int, ...], upstream: ArrayLike, *, h: float = 1e-3) -> Array:
    """The gradient, of `shape`, from a function's values at the points of `around`.

    Values are subtracted before they are weighted, so a value that does not depend on an entry of x cancels exactly,
    even if it is large.
    """
    weights = np.asarray(upstream, dtype=np.float64)
    at = real(values).reshape(-1, len(STENCIL), *weights.shape)
    (_, outer), (_, inner), *_ = STENCIL
    with np.errstate(over="ignore", invalid="ignore"):  # a student's values: inf - inf gives NaN, which never passes
        slopes = outer * (at[:, 0] - at[:, 3]) + inner * (at[:, 1] - at[:, 2])
        total: Array = np.sum(slopes * weights, axis=tuple(range(1, slopes.ndim))).reshape(shape) / h
    return total


def error(yours: ArrayLike, expected: ArrayLike) -> float:
    """The largest absolute difference between two arrays of equal shape; infinite if `yours` is not finite.

    It does not grow with the number of entries. Raises ValueError if the shapes differ.
    """
    a, b = np.asarray(yours, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} have no difference")
    if not np.isfinite(a).all():
        return float("inf")
    with np.errstate(over="ignore"):
        return float(np.abs(a - b).max(initial=0.0))


def clear_of_zero(x: ArrayLike, margin: float) -> bool:
    """Whether every entry is at least `margin` away from 0, so that no difference step crosses the kink of a ReLU."""
    return bool((np.abs(np.asarray(x, dtype=np.float64)) >= margin).all())


def real(values: Any) -> Array:
    """Numbers as float64. Raises TypeError for complex ones, of which a part would be dropped."""
    if np.iscomplexobj(values):
        raise TypeError("complex numbers cannot be compared here; expect_close and expect_equal compare them")
    return np.asarray(values, dtype=np.float64)
