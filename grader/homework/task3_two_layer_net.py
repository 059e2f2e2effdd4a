"""Task 3: TwoLayerNet, with any parameter names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure.diagnose import Clue
from grader.measure.expect import expect_close, expect_gradient, unpack
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
            expected, _ = case.reference.forward(case.X)
            expect_close(hw, f"scores of {sizes}", scores, expected, clues=forward_clues(case))


@check("3.1", "two_layer_net.TwoLayerNet.backward")
def net_backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass returns the gradient with respect to every parameter."""
    with built_on(hw, BACKWARD):
        for sizes in SIZES:
            case = network.draw(hw, rng, sizes)
            _, cache = unpack("forward", case.net.forward(case.X), ("scores", "cache"))
            grad_scores = rng.normal(size=(case.sizes.batch, case.sizes.classes))
            grads = network.expect_gradients("backward", case.net.backward(grad_scores, cache), case)
            _, trusted_cache = case.reference.forward(case.X)
            trusted = case.by_role(case.reference.backward(grad_scores, trusted_cache)) if case.large else {}
            for role, grad in grads.items():
                name, clues = case.name("grads", role), backward_clues(case, role, grad_scores)
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
                    h=2e-3,  # scores are linear in every entry, so a longer step only reduces round-off
                    factors={"the batch size": sizes.batch},
                    clues=clues,
                )


@check("3.1", "two_layer_net.TwoLayerNet")
def net_predict(hw: Subject, rng: np.random.Generator) -> None:
    """predict returns the class with the highest score for every row."""
    with built_on(hw, FORWARD):
        for sizes in SIZES:
            case = network.draw(hw, rng, sizes, wanted=decided)
            expected = np.argmax(case.reference.forward(case.X)[0], axis=1)
            unpack("forward", case.net.forward(case.X), ("scores", "cache"))
            expect_close(hw, f"predict of {sizes}", as_vector(case.net.predict(case.X)), expected, atol=0.5)


@check("3.1", "two_layer_net.TwoLayerNet")
def net_save_load(hw: Subject, rng: np.random.Generator) -> None:
    """A saved network can be loaded, with the same parameters and scores."""
    with built_on(hw, FORWARD):
        for sizes in SIZES[-1:]:  # only one, because load() first builds a network of the default size, which is slow
            case = network.draw(hw, rng, sizes)
            unpack("forward", case.net.forward(case.X), ("scores", "cache"))
            case.net.save("model.pkl")
            loaded = network.as_network(hw.two_layer_net.TwoLayerNet.load("model.pkl"), "TwoLayerNet.load")
            values = case.layout.read(loaded.parameters())
            if values is None:
                raise Mismatch(f"the loaded {sizes} does not have the parameter names that were saved")
            for role, value in values.items():
                expect_close(hw, f"loaded {case.layout.shown(role)} of {sizes}", value, case.values[role])
            scores, _ = unpack("forward", loaded.forward(case.X), ("scores", "cache"))
            expected, _ = case.reference.forward(case.X)
            expect_close(hw, f"scores of the loaded {sizes}", scores, expected, clues=forward_clues(case))


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


def forward_clues(case: Case) -> list[Clue]:
    """The scores with one of the usual mistakes."""
    w1, b1, w2, b2 = (case.values[role] for role in ("weight1", "bias1", "weight2", "bias2"))
    hidden = case.X @ w1 + b1
    relu = np.maximum(hidden, 0)
    scores = relu @ w2 + b2
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    return [
        Clue("the ReLU between the two layers is left out", hidden @ w2 + b2),
        Clue("a ReLU is applied to the scores too", np.maximum(scores, 0)),
        Clue("they are probabilities: softmax belongs to softmax_loss", p / p.sum(axis=1, keepdims=True)),
        Clue("the second bias is not added", relu @ w2),
        Clue("the first bias is not added", np.maximum(case.X @ w1, 0) @ w2 + b2),
    ]


def backward_clues(case: Case, role: str, grad_scores: Array) -> list[Clue]:
    """The first layer's gradients without the ReLU's mask."""
    grad_hidden = grad_scores @ case.values["weight2"].T
    straight = {"weight1": case.X.T @ grad_hidden, "bias1": grad_hidden.sum(axis=0)}
    said = "the ReLU's mask is missing"
    return [Clue(said, straight[role])] if role in straight else []


def own_scores(case: Case, role: str, values: Sequence[Array]) -> list[Any]:
    """The student's scores with one parameter replaced by each value in turn; the last value stays."""
    scores = []
    for value in values:
        case.write({role: value})
        scores.append(unpack("forward", case.net.forward(case.X), ("scores", "cache"))[0])
    return scores


def decided(values: Mapping[str, Array], X: Array) -> bool:
    """Whether the classes can expose a wrong forward pass: one class leads clearly in every row, it is not the same in
    all rows, and without the ReLU another class leads in some row. The leading scores are positive, so that an extra
    ReLU on the scores, which another check finds, changes nothing here."""
    w1, b1, w2, b2 = (values[role] for role in ("weight1", "bias1", "weight2", "bias2"))
    hidden = X @ w1 + b1
    scores, linear = np.maximum(hidden, 0) @ w2 + b2, np.argmax(hidden @ w2 + b2, axis=1)
    first, second = np.sort(scores, axis=1)[:, ::-1][:, :2].T
    best = np.argmax(scores, axis=1)
    clear = (first - second > 1e-3).all() and (first > 1e-3).all()
    return bool(clear and (best != best[0]).any() and (linear != best).any())
