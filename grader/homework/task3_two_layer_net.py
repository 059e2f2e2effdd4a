"""Task 3: TwoLayerNet, with any parameter names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure.expect import expect_close, expect_gradient, mistakes, unpack
from grader.model import Measure

from . import network
from .network import BIASES, SIZES, WEIGHTS, WIDE, Array, Case
from .prerequisites import BACKWARD, FORWARD, built_on

SCALES = (1e-2, 0.3)
SIGMAS = 8.0  # the probability to reject a right initialization is about 1e-15


@check("3.1", "two_layer_net.TwoLayerNet.__init__")
def net_parameters(hw: Subject, rng: np.random.Generator) -> None:
    """The network has two weight matrices and biases of the requested sizes and scale, and parameters() is live."""
    for sizes in SIZES:
        network.expect_as_asked(network.build(hw, *sizes.arguments), sizes)
        network.draw(hw, rng, sizes)
    for scale in SCALES:
        layout, values = network.expect_as_asked(network.build(hw, WIDE.inputs, WIDE.classes, WIDE.hidden, scale), WIDE)
        for role in WEIGHTS:
            expect_scale(hw, f"{layout.shown(role)} of {WIDE}", values[role], scale)
        for role in BIASES:
            if np.any(values[role] != 0):
                raise Mismatch(f"the bias {layout.shown(role)} of a new network should be zero everywhere")


@check("3.1", "two_layer_net.TwoLayerNet.forward")
def net_forward(hw: Subject, rng: np.random.Generator) -> None:
    """The forward pass computes the scores: fully-connected, ReLU, fully-connected."""
    with built_on(hw, FORWARD):
        for sizes in SIZES:
            case = network.draw(hw, rng, sizes)
            scores, _ = unpack("forward", case.net.forward(case.X), ("scores", "cache"))
            if 0 in hw.mutated:
                raise Mismatch("forward changed X in place; the batch belongs to the caller, so work on a copy")
            clues = mistakes(hw, "net_forward_scores", case.values, case.X)
            expect_close(hw, f"scores of {sizes}", scores, case.scores(), clues=clues)


@check("3.1", "two_layer_net.TwoLayerNet.backward")
def net_backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass returns the gradient with respect to every parameter."""
    with built_on(hw, BACKWARD):
        for sizes in SIZES:
            case = network.draw(hw, rng, sizes)
            _, cache = unpack("forward", case.net.forward(case.X), ("scores", "cache"))
            grad_scores = rng.normal(size=(case.sizes.batch, case.sizes.classes))
            grads = network.expect_gradients("backward", case.net.backward(grad_scores, cache), case)
            trusted = hw.reference.answers.gradients(case.values, case.X, grad_scores) if case.large else {}
            for role, grad in grads.items():
                name = case.name("grads", role)
                clues = mistakes(hw, "net_backward_grad", role, case.values, case.X, grad_scores)
                if case.large:
                    expect_close(hw, name, grad, trusted[role], factors={"the batch size": sizes.batch}, clues=clues)
                    continue
                expect_gradient(
                    hw,
                    name,
                    grad,
                    partial(case.forward_with, role),
                    at=case.values[role],
                    upstream=grad_scores,
                    own=partial(own_scores, case, role),
                    of=("forward", role, *case.inputs),
                    trusted=partial(case.gradient, role, grad_scores),
                    h=2e-3,  # scores are linear in every entry, so a longer step only reduces round-off
                    factors={"the batch size": sizes.batch},
                    clues=clues,
                )


@check("3.1", "two_layer_net.TwoLayerNet")
def net_predict(hw: Subject, rng: np.random.Generator) -> None:
    """predict returns the class with the highest score for every row."""
    with built_on(hw, FORWARD):
        for sizes in SIZES:
            case = network.draw(hw, rng, sizes, decided=True)
            expected = np.argmax(case.scores(), axis=1)
            unpack("forward", case.net.forward(case.X), ("scores", "cache"))
            expect_close(hw, f"predict of {sizes}", as_vector(case.net.predict(case.X)), expected, atol=0.5)


@check("3.1", "two_layer_net.TwoLayerNet")
def net_save_load(hw: Subject, rng: np.random.Generator) -> None:
    """A saved network can be loaded, with the same parameters and scores."""
    with built_on(hw, FORWARD):
        for sizes in SIZES[-1:]:
            case = network.draw(hw, rng, sizes)
            unpack("forward", case.net.forward(case.X), ("scores", "cache"))
            case.net.save("model.pkl")
            with network.small_by_default(hw):
                loaded = network.as_network(hw.two_layer_net.TwoLayerNet.load("model.pkl"), "TwoLayerNet.load")
            values = case.layout.read(loaded.parameters())
            if values is None:
                raise Mismatch(f"the loaded {sizes} does not have the parameter names that were saved")
            for role, value in values.items():
                expect_close(hw, f"loaded {case.layout.shown(role)} of {sizes}", value, case.values[role])
            scores, _ = unpack("forward", loaded.forward(case.X), ("scores", "cache"))
            clues = mistakes(hw, "net_forward_scores", case.values, case.X)
            expect_close(hw, f"scores of the loaded {sizes}", scores, case.scores(), clues=clues)


def as_vector(value: Any) -> Any:
    """Classes as an array; a list of whole numbers is accepted too. A column (N, 1) is not (N,)."""
    whole = isinstance(value, list | tuple) and bool(value) and all(type(one) is int for one in value)
    return np.array(value, dtype=np.int64) if whole and max(map(abs, value)) < 1 << 31 else value


def expect_scale(hw: Subject, name: str, weights: Array, scale: float) -> None:
    """Raise Mismatch unless mean and standard deviation fit normal weights of deviation `scale`, to SIGMAS each."""
    bound = SIGMAS / np.sqrt(2 * weights.size)
    deviation, mean = float(np.std(weights)), float(np.mean(weights))
    error = abs(deviation / scale - 1)
    hw.measure(Measure(f"relative error of the scale of {name}, weight_scale={scale:g}", error, bound))
    if not error < bound:
        raise Mismatch(f"the weights {name} have standard deviation {deviation:.3g}; expected weight_scale={scale:g}")
    if not abs(mean) < SIGMAS / np.sqrt(weights.size) * scale:
        raise Mismatch(f"the weights {name} have mean {mean:.3g}; draw them from a normal distribution around zero")


def own_scores(case: Case, role: str, values: Sequence[Array]) -> list[Any]:
    """The student's scores with one parameter replaced by each value in turn; the last value stays."""
    scores = []
    for value in values:
        case.write({role: value})
        scores.append(unpack("forward", case.net.forward(case.X), ("scores", "cache"))[0])
    return scores
