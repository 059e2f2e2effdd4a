"""What a call did to its arguments is seen, however these are built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.sandbox.worker import operate


def shared(leaf: Any, kind: type) -> Any:
    """2^60 ways to one leaf, through 60 containers of two."""
    for _ in range(60):
        leaf = kind((leaf, leaf))
    return leaf


def holding_itself() -> list[Any]:
    found: list[Any] = [1.0]
    found.append(found)
    return found


@pytest.mark.parametrize("value", [shared(1.0, tuple), shared(1.0, list), holding_itself()], ids=["t", "l", "itself"])
def test_an_argument_of_shared_parts_is_not_walked_along_every_way(value: Any) -> None:
    before = operate.snapshot(value)
    assert operate.changes(value) == isinstance(value, list)
    assert operate.same(value, before)


def test_a_change_deep_in_an_argument_is_seen() -> None:
    inner = np.ones(3)
    value = ([{"w": (inner, 2.0)}],)
    before = operate.snapshot(value)
    assert operate.changes(value)
    assert operate.same(value, before)
    inner[1] = 0
    assert not operate.same(value, before)
