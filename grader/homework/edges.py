"""Shapes and values that are drawn anew in each run, edges among them, and what an edge costs.

Code may be right for one fixed shape by chance. So shapes are drawn, and there is always a square, a row of two
classes, one input, and more rows and columns than any constant in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Mismatch, NotImplementedYet, Raised

Array = NDArray[np.float64]
Size = tuple[int, int, int]  # N, Din, Dout

REUSED = "it is a later call's: return a new array each time"
MANY_ROWS, MANY_COLUMNS = 130, 34  # larger than a batch of 128 and than 32 units, which are numbers to hard-code
ONE_ROW, ONE_OUTPUT, OTHER_AXES, DEFAULTS = "one_row", "one_output", "other_axes", "defaults"  # in rubric.yaml
SAID = {ONE_ROW: "for one row", ONE_OUTPUT: "for one output", OTHER_AXES: "for arrays that are no matrices",
        DEFAULTS: "where no sizes are given"}  # fmt: skip
TINY = 0.5**25, 0.5**20  # numbers that a threshold above 0 takes for 0, and above all tolerances
SINGLE = 1e-5  # of the largest number: what float32 sums of a few hundred numbers are off by at most
NO_MATRICES = (7,), (2, 3, 4)


@contextmanager
def edge(hw: Subject, item: str, name: str) -> Iterator[None]:
    """What is asked in this block is an edge that the assignment does not mention. The rubric says whether a mistake
    there is judged, costs nothing and is told, or is left to a person."""
    measured = len(hw.measures)
    try:
        yield
    except (Mismatch, NotImplementedYet, Raised) as error:
        policy = hw.policy(item, name)
        if policy == "judged":
            raise
        del hw.measures[measured:]  # a bar that is missed here costs nothing, so the report does not show it
        if policy == "advice":
            hw.advise(f"{SAID[name]}, which costs nothing: {error.message}")
        else:
            hw.review(f"{SAID[name]}: {error.message}")


@contextmanager
def used_up(hw: Subject, forward: str) -> Iterator[None]:
    """In this block, a cache is used for a second time. Students choose what a cache is, and one that serves a single
    backward pass trains a network: if the second pass raises, that is advice. If it gives a wrong answer, that is
    judged, because nobody would see it."""
    measured = len(hw.measures)
    try:
        yield
    except Raised:
        del hw.measures[measured:]
        hw.advise(f"the cache of {forward} serves one backward pass alone, which costs nothing: leave it as it was")


def allowed(hw: Subject, x: NDArray[Any], expected: Any) -> float:
    """The absolute error that an answer may have. If inputs are float32, the answer may be as precise as these."""
    return single(expected) if x.dtype == np.float32 else hw.tolerance


def single(expected: Any) -> float:
    """The absolute error of numbers that are computed in float32."""
    return SINGLE * max(1.0, float(np.abs(expected).max(initial=0.0)))


def draw_sizes(rng: np.random.Generator) -> tuple[Size, Size]:
    """Two lists of three sizes that all differ. No two have a ratio that a mistake could explain, such as 2. In the
    first, no size is another one minus 1, which a mean may be divided by."""
    few, more = rng.permutation([3, 5, 8]), rng.permutation([3, 5, 7])
    return tuple(map(int, few)), (2, *map(int, more[:2]))  # type: ignore[return-value]


def edge_sizes(rng: np.random.Generator) -> list[Size]:
    """Edges that are judged: square weights, one input, two outputs, all alike, and more of everything than any
    constant. Of `n` and `width`, one is even."""
    n = int(rng.integers(3, 6))
    width = n + 3
    return [
        (n, width, width),
        (n, n, n),
        (width, n, n),
        (n, 1, width),
        (width, n, 2),
        (MANY_ROWS + n, 2, 3),
        (n, 3, MANY_COLUMNS + n),
        (n, MANY_COLUMNS + n, 3),
    ]


def images(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Inputs that the network is made for: pictures as data.py gives them, float32 from 0 to 1, in which some pixels
    are black."""
    return np.maximum(rng.uniform(-0.2, 1, size=shape), 0).astype(np.float32)


def whole(rng: np.random.Generator, shape: tuple[int, ...], factor: float = 1.0) -> Array:
    """Whole numbers up to 9 times `factor`, of both signs, some of them 0: sums of their products are exact, so that
    they may be large."""
    return factor * rng.integers(-9, 10, size=shape).astype(np.float64)


def spread(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Values of both signs over several magnitudes, one of them beyond 20, one beyond 100, one below 0.01 and one below
    1e-6; none is 0."""
    # Rounded to float32, so that another machine's power of 10 gives the same numbers.
    values = (rng.normal(size=shape) * 10 ** rng.uniform(-3, 1, size=shape)).astype(np.float32).astype(np.float64)
    flat = values.reshape(-1)
    at = rng.permutation(flat.size)
    flat[at[0]] = rng.choice([-1, 1]) * rng.uniform(21, 40)
    if flat.size > 2:
        flat[at[1]] = rng.uniform(101, 140)
        flat[at[2]] = rng.uniform(0.001, 0.009)
    if flat.size > 3:
        flat[at[3]] = rng.uniform(*TINY)
    return values
