"""Shapes and values that are drawn anew in each run, edges among them, and what an edge costs.

A shape that a check knows by heart is one that a student's code may be right for by chance. So shapes are drawn, and
there is always a square, a row of two classes, one input, and more rows and columns than any constant in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Mismatch, NotImplementedYet, Raised

Array = NDArray[np.float64]
Size = tuple[int, int, int]  # N, Din, Dout

REUSED = "it is a later call's: return a new array each time"
MANY_ROWS, MANY_COLUMNS = 66, 18  # larger than a batch of 64 and than 16 units, which are numbers to hard-code
ONE_ROW, ONE_OUTPUT, OTHER_AXES = "one_row", "one_output", "other_axes"  # in rubric.yaml: what a mistake there costs
SAID = {ONE_ROW: "for one row", ONE_OUTPUT: "for one output", OTHER_AXES: "for other axes"}
NO_MATRICES = (7,), (2, 3, 4)


@contextmanager
def edge(hw: Subject, item: str, name: str) -> Iterator[None]:
    """What is asked within is an edge that the assignment does not speak of. The rubric says whether a mistake there is
    judged, or costs nothing and is said, or is left to a person."""
    measured = len(hw.measures)
    try:
        yield
    except (Mismatch, NotImplementedYet, Raised) as error:
        policy = hw.policy(item, name)
        if policy == "judged":
            raise
        del hw.measures[measured:]  # a bar that is missed here is missed by nothing that counts
        sentence = f"{SAID[name]}: {error.message}"
        if policy == "advice":
            hw.advise(f"at no cost, {sentence}")
        else:
            hw.review(sentence)


def draw_sizes(rng: np.random.Generator) -> tuple[Size, Size]:
    """Two sizes with three numbers each that all differ, no two in a ratio that has a story of its own, such as 2."""
    few, more = rng.permutation([4, 5, 7]), rng.permutation([3, 5, 7])
    return tuple(map(int, few)), (2, *map(int, more[:2]))  # type: ignore[return-value]


def edge_sizes(rng: np.random.Generator) -> list[Size]:
    """Edges that are judged: square weights, one input, two outputs, and more of everything than any constant."""
    n, width = int(rng.integers(3, 6)), int(rng.integers(6, 9))
    return [
        (n, width, width),
        (width, n, n),
        (n, 1, width),
        (width, n, 2),
        (MANY_ROWS + n, 3, 4),
        (n, 3, MANY_COLUMNS + n),
        (n, MANY_COLUMNS + n, 3),
    ]


def spread(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Values of both signs over several magnitudes, one of them beyond 20 and one below 0.01; none is 0."""
    # Rounded to float32, so that another machine's power of 10 gives the same numbers.
    values = (rng.normal(size=shape) * 10 ** rng.uniform(-3, 1, size=shape)).astype(np.float32).astype(np.float64)
    flat = values.reshape(-1)
    at = rng.permutation(flat.size)
    flat[at[0]] = rng.choice([-1, 1]) * rng.uniform(21, 40)
    if flat.size > 2:
        flat[at[1]] = rng.uniform(101, 140)
        flat[at[2]] = rng.uniform(0.001, 0.009)
    return values
