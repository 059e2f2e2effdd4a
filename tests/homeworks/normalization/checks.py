"""Batch normalization and convolution: relative errors, state in a dict, and time against a loop."""

from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.measure.expect import expect_faster, expect_gradient, expect_relative, unpack

SHAPES = ((6, 4), (9, 3))  # N, D


def batch(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
    return rng.normal(2, 3, shape), rng.normal(size=shape[1]), rng.normal(size=shape[1])


def forward(hw: Subject, *args: Any) -> tuple[Any, ...]:
    return unpack("batchnorm_forward", hw.layers.batchnorm_forward(*args), ("out", "cache"))


@check("1.1", "layers.batchnorm_forward")
def train_mode(hw: Subject, rng: np.random.Generator) -> None:
    """In training, each feature is normalized by the batch's mean and variance, then scaled and shifted."""
    for shape in SHAPES:
        x, gamma, beta = batch(rng, shape)
        out, _ = unpack(
            "batchnorm_forward", hw.layers.batchnorm_forward(x, gamma, beta, {"mode": "train"}), ("out", "cache")
        )
        expected, _ = hw.reference.layers.batchnorm_forward(x, gamma, beta, {"mode": "train"})
        expect_relative(hw, f"out of {shape}", out, expected, bar=hw.settings["relative"])


@check("1.1", "layers.batchnorm_forward")
def running_statistics(hw: Subject, rng: np.random.Generator) -> None:
    """In training, bn_param's running_mean and running_var move towards the batch's."""
    state, own = {"mode": "train", "momentum": 0.8}, {"mode": "train", "momentum": 0.8}
    for shape in (SHAPES[0], SHAPES[0]):
        x, gamma, beta = batch(rng, shape)
        hw.layers.batchnorm_forward(x, gamma, beta, state)
        state = hw.changed.get(3, state)
        hw.reference.layers.batchnorm_forward(x, gamma, beta, own)
    for name in ("running_mean", "running_var"):
        expect_relative(hw, f"bn_param[{name!r}]", state.get(name), own[name], bar=hw.settings["relative"])


@check("1.1", "layers.batchnorm_forward")
def test_mode(hw: Subject, rng: np.random.Generator) -> None:
    """In testing, the running statistics take the place of the batch's."""
    x, gamma, beta = batch(rng, SHAPES[1])
    state = {"mode": "test", "running_mean": rng.normal(size=3), "running_var": rng.uniform(1, 2, 3)}
    out, _ = forward(hw, x, gamma, beta, state)
    expected, _ = hw.reference.layers.batchnorm_forward(x, gamma, beta, dict(state))
    expect_relative(hw, "out in test mode", out, expected, bar=hw.settings["relative"])


@check("1.2", "layers.batchnorm_backward")
def backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass returns the gradients with respect to x, gamma and beta."""
    layers = hw.reference.layers
    for shape in SHAPES:
        x, gamma, beta = batch(rng, shape)
        dout = rng.normal(size=shape)
        _, cache = unpack(
            "batchnorm_forward", hw.layers.batchnorm_forward(x, gamma, beta, {"mode": "train"}), ("out", "cache")
        )
        grads = unpack("batchnorm_backward", hw.layers.batchnorm_backward(dout, cache), ("dx", "dgamma", "dbeta"))
        for at, (name, grad) in enumerate(zip(("dx", "dgamma", "dbeta"), grads, strict=True)):
            given = [x, gamma, beta]

            def output(value: np.ndarray, at: int = at, given: list = given) -> np.ndarray:
                return layers.batchnorm_forward(*given[:at], value, *given[at + 1 :], {"mode": "train"})[0]

            expect_gradient(hw, name, grad, output, at=given[at], upstream=dout, rtol=hw.settings["rtol"], atol=1e-9)


@check("2.1", "layers.conv_forward")
def values(hw: Subject, rng: np.random.Generator) -> None:
    """conv_forward computes what conv_loop computes, for any stride and padding."""
    for stride, pad in ((1, 0), (2, 1)):
        x, w, b = rng.normal(size=(2, 3, 5, 7)), rng.normal(size=(4, 3, 3, 3)), rng.normal(size=4)
        out = hw.layers.conv_forward(x, w, b, stride=stride, pad=pad)
        expected = hw.reference.layers.conv_loop(x, w, b, stride=stride, pad=pad)
        expect_relative(hw, f"out with stride {stride} and pad {pad}", out, expected, bar=hw.settings["relative"])


@check("2.2", "layers.conv_forward")
def speed(hw: Subject, rng: np.random.Generator) -> None:
    """conv_forward, if its values are right, takes at least four times less time than conv_loop."""
    values(hw, rng)
    x, w, b = rng.normal(size=(2, 3, 24, 24)), rng.normal(size=(4, 3, 3, 3)), np.zeros(4)
    fast, slow = (lambda: hw.layers.conv_forward(x, w, b)), (lambda: hw.reference.layers.conv_loop(x, w, b))
    expect_faster(hw, "conv_forward", fast, slow, ratio=hw.settings["times"])
