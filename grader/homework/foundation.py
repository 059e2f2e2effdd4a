"""Tasks 3 and 4 are built on Task 2: where one of them fails, whether a layer below it is wrong is worth a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from grader.diagnose import numbers
from grader.errors import Mismatch, StudentError

ITEM = {"fc": "2.1", "relu": "2.2", "softmax": "2.3", "l2": "2.4"}
FORWARD = ("fc_forward", "relu_forward")
BACKWARD = (*FORWARD, "fc_backward", "relu_backward")
ALL = (*BACKWARD, "softmax_loss", "l2_regularization")


@contextmanager
def built_on(hw: Any, functions: Sequence[str]) -> Iterator[None]:
    """Add to a Mismatch which of these functions of layers.py are wrong themselves."""
    try:
        yield
    except Mismatch as miss:
        wrong = [name for name in functions if not right(hw, name)]
        if wrong:
            items = dict.fromkeys(f"item {ITEM[name.partition('_')[0]]}" for name in wrong)
            are = "is" if len(wrong) == 1 else "are"
            stop = "" if miss.message.endswith((".", "?")) else "."
            miss.message += f"{stop} Your {' and '.join(wrong)} {are} wrong ({', '.join(items)}): mend that first"
            miss.args = (miss.message,)
        raise


def right(hw: Any, name: str) -> bool:
    """Whether one small answer of the student's is the reference's."""
    try:
        yours = answers(hw.layers, name)
    except StudentError:
        return False
    found = [numbers(value) for value in yours]
    expected = [numbers(value) for value in answers(hw.reference.layers, name)]
    return len(found) == len(expected) and all(
        one is not None and other is not None and one.shape == other.shape and np.allclose(one, other, 1e-9, 1e-9)
        for one, other in zip(found, expected, strict=True)
    )


def answers(layers: Any, name: str) -> Sequence[Any]:
    """What a function gives for fixed numbers; of a forward pass its output alone."""
    rng = np.random.default_rng(0)
    x, w, b, upstream = rng.normal(size=(4, 5)), rng.normal(size=(5, 3)), rng.normal(size=3), rng.normal(size=(4, 3))
    arguments: dict[str, tuple[Any, ...]] = {
        "fc_forward": (x, w, b),
        "relu_forward": (upstream,),
        "softmax_loss": (upstream, np.array([0, 2, 1, 2])),
        "l2_regularization": (w, 0.7),
    }
    if name in arguments:
        given = sequence(getattr(layers, name)(*arguments[name]))
        return given[:1] if name in FORWARD else given
    forward = name.replace("backward", "forward")
    cache = sequence(getattr(layers, forward)(*arguments[forward]))[1:2]
    return sequence(getattr(layers, name)(upstream, *cache))


def sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, tuple | list) else (value,)
