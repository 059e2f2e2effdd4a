"""What a network's parameters are, however they lie, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.homework.training.trained_network import ACTIVATIONS, CLASSES, PIXELS, Network, explain, shapes_of

rng = np.random.default_rng(0)
X = rng.integers(256, size=(700, PIXELS), dtype=np.uint8)
ENOUGH = 0.9


def parameters(hidden: int = 7) -> dict[str, Any]:
    shapes = {"W1": (PIXELS, hidden), "b1": (hidden,), "W2": (hidden, CLASSES), "b2": (CLASSES,)}
    return {name: rng.normal(scale=0.5, size=shape).astype(np.float32) for name, shape in shapes.items()}


def predictions(given: dict[str, Any], activation: Callable[[Any], Any] = ACTIVATIONS["ReLU"]) -> Any:
    hidden = activation(X / 255 @ given["W1"].astype(float) + given["b1"])
    return (hidden @ given["W2"] + given["b2"]).argmax(axis=1)


LAYOUTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "as asked for": lambda p: p,
    "biases are rows": lambda p: p | {"b1": p["b1"][None], "b2": p["b2"][None]},
    "biases are columns": lambda p: p | {"b1": p["b1"][:, None], "b2": p["b2"][:, None]},
    "weights are transposed": lambda p: p | {"W1": p["W1"].T, "W2": p["W2"].T},
    "in another order": lambda p: dict(reversed(p.items())),
    "with one more array": lambda p: p | {"speed": np.ones((3, 3), np.float32)},
}


@pytest.mark.parametrize("hidden", [7, 10])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_network_is_found_however_its_arrays_lie(layout, hidden):
    """With 10 hidden units two biases have one size, and a weight may be either way up."""
    given = parameters(hidden)
    network, share = explain(LAYOUTS[layout](given), X, predictions(given), ENOUGH)
    assert share >= ENOUGH  # of two biases of one size, the wrong one first tips a few
    assert network.activation == "ReLU"
    assert network.whole is (layout != "with one more array")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_another_activation_is_named(activation):
    given = parameters()
    network, share = explain(given, X, predictions(given, ACTIVATIONS[activation]), ENOUGH)
    assert share >= ENOUGH
    assert network.activation in (activation, "ReLU")  # which a leaky one may equal, where few units leak


def test_an_absent_bias_is_zero():
    given = parameters() | {"b1": np.zeros(7, np.float32), "b2": np.zeros(CLASSES, np.float32)}
    assert explain({"W1": given["W1"], "W2": given["W2"]}, X, predictions(given), ENOUGH)[1] == 1.0


def test_labels_that_come_from_elsewhere_follow_from_no_reading():
    network, share = explain(parameters(), X, rng.integers(CLASSES, size=len(X)), ENOUGH)
    assert network is not None
    assert share < 0.3


def test_shapes_are_told_as_far_as_there_is_room():
    given = parameters()
    assert shapes_of(given) == "(3072, 7), (7,), (7, 10), (10,)"
    assert shapes_of({"middle": np.ones((7, 7))} | dict.fromkeys(range(99), np.ones(5))).count("(") == 12
    assert shapes_of(None) == shapes_of({}) == "none"
    assert Network.of({"W1": given["W1"]}) is None
