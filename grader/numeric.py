"""Numeric gradients and the measure of an error. Pure numpy, float64.

Five-point central differences have truncation of order h^4 and round-off of order eps / h: with h near 1e-3 and values
of order 1 both lie under 1e-12, a hundred times below the strictest bar. A three-point difference cannot hold 1e-10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Of the value at x + k h, in the derivative at x (Abramowitz and Stegun, 25.3.6).
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))


def gradient(f: Callable[[Array], float], x: ArrayLike, *, h: float = 1e-3) -> Array:
    """The gradient of a scalar f at x, of x's shape."""
    return backward(f, x, np.array(1.0), h=h)


def backward(f: Callable[[Array], Any], x: ArrayLike, upstream: ArrayLike, *, h: float = 1e-3) -> Array:
    """The gradient of sum(f(x) * upstream) with respect to x, of x's shape; f(x) has upstream's shape.

    Outputs are subtracted before they are weighted: one that an entry of x does not reach cancels exactly, however
    large it is. f gets an array of its own each time and may keep or change it.
    """
    at = np.array(x, dtype=np.float64)
    weights = np.asarray(upstream, dtype=np.float64)
    result = np.empty_like(at)
    for index in np.ndindex(at.shape):
        slope = np.zeros(weights.shape)
        for (low, weight), (high, _) in zip(STENCIL[:2], STENCIL[:1:-1], strict=True):
            below, above = _moved(f, at, index, low * h), _moved(f, at, index, high * h)
            with np.errstate(
                over="ignore", invalid="ignore"
            ):  # f may be a student's; inf - inf is NaN, and never passes
                slope += weight * (below - above)
        with np.errstate(over="ignore", invalid="ignore"):
            result[index] = np.sum(slope * weights) / h
    return result


def _moved(f: Callable[[Array], Any], at: Array, index: tuple[int, ...], step: float) -> Array:
    moved = at.copy()
    moved[index] += step
    return np.asarray(f(moved), dtype=np.float64)


def error(yours: ArrayLike, expected: ArrayLike) -> float:
    """The largest absolute difference between two arrays of one shape; infinite where `yours` is not finite.

    It does not grow with the number of entries. Raises ValueError for two shapes.
    """
    a, b = np.asarray(yours, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} have no difference")
    if not np.isfinite(a).all():
        return float("inf")
    with np.errstate(over="ignore"):
        return float(np.abs(a - b).max(initial=0.0))


def clear_of_zero(x: ArrayLike, margin: float) -> bool:
    """Whether no entry lies within `margin` of 0, so that no difference step crosses the kink of a ReLU."""
    return bool((np.abs(np.asarray(x, dtype=np.float64)) >= margin).all())
