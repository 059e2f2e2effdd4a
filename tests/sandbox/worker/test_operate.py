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


def test_a_value_is_changed_in_place_with_all_that_lies_in_it():
    w, inner, heights = np.zeros(2), {"x": 1}, np.zeros(3)
    value = {"w": w, "pair": (w, [inner]), "gone": 1, "seen": {1}, "heights": heights, "whole": np.zeros(2, int)}
    now = {
        "w": np.ones(2),
        "pair": (np.ones(2), [{"y": 2}, 5]),
        "seen": {2},
        "heights": np.ones(4),
        "whole": np.ones(2),
    }
    assert operate.left_as(value, now) is value
    assert value.keys() == now.keys()
    assert value["w"] is value["pair"][0] is w
    assert w.tolist() == [1, 1]
    assert value["pair"][1][0] is inner
    assert value["pair"][1] == [{"y": 2}, 5]
    assert value["seen"] == {2}
    assert value["heights"] is now["heights"]  # an array cannot grow
    assert value["whole"] is now["whole"]  # nor hold other numbers
    assert operate.left_as(3, 4) == 4
