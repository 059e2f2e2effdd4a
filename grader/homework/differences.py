"""Finds out whether a gradient is computed, or estimated by finite differences of the forward pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import wraps

import numpy as np

from grader.check import Subject

MOST = 0.5  # share of the numbers of an input; code that moves more of them, in turn, estimates a gradient

Judge = Callable[[Subject, np.random.Generator], None]


def asks_of_differences(judge: Judge, times: int = 1) -> Judge:
    """A check that advises a student whose watched calls move the numbers of their inputs one after another, at least
    `times` of them: a gradient on its way through a graph may by chance come near to a single float. If the gradient is
    right, a person decides what it earns: there is no backward pass, but points were asked for the numbers."""

    @wraps(judge)
    def asking(hw: Subject, rng: np.random.Generator) -> None:
        try:
            judge(hw, rng)
        finally:
            seen = [one for one in hw.differences if one.entries > MOST * one.size]
            counts = Counter((one.subject, one.function) for one in seen)
            found = {one.subject: one for one in seen if counts[one.subject, one.function] >= times}
            for name, one in found.items():
                hw.advise(
                    f"{name} estimates its gradient: it calls {one.function} with its numbers moved in turn; derive "
                    "the gradient by the chain rule instead"
                )
        for name, one in found.items():
            hw.review(
                f"{name} calls {one.function} with {one.entries} of its numbers moved in turn: it estimates its "
                "gradient by finite differences; are its points earned?"
            )

    return asking
