"""A small tensor framework: objects, an optimizer with state, seeded training, a function that is called back."""

from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure.expect import expect_close, expect_gradient

SEED, STEPS = 7, 12


def linear(hw: Any, w: np.ndarray, b: np.ndarray) -> Any:
    layer = hw.tensor.Linear(*w.shape)
    layer.weight.data, layer.bias.data = w, b
    return layer


def run(hw: Any, w: np.ndarray, b: np.ndarray, x: np.ndarray, y: np.ndarray, on_step: Any) -> tuple[Any, Any]:
    """A training run of one Linear: its losses, and its weights afterwards."""
    layer = linear(hw, w, b)
    optimizer = hw.tensor.SGD(layer.parameters(), lr=0.05, momentum=0.9)
    losses = hw.train.train(layer, optimizer, x, y, steps=STEPS, size=4, seed=SEED, on_step=on_step)
    return losses, layer.weight.data


@check("1.1", "tensor.Linear.forward")
def linear_forward(hw: Subject, rng: np.random.Generator) -> None:
    """A Linear computes x w + b."""
    x, w, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    expect_close(hw, "out", linear(hw, w, b)(hw.tensor.Tensor(x)).data, x @ w + b)


@check("1.1", "tensor.Linear.forward")
def linear_gradients(hw: Subject, rng: np.random.Generator) -> None:
    """backward(upstream) leaves gradients in the weight, the bias and the input."""
    x, w, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    upstream = rng.normal(size=(5, 2))
    layer, given = linear(hw, w, b), hw.tensor.Tensor(x)
    layer(given).backward(upstream)
    expect_gradient(hw, "x.grad", given.grad, lambda x: x @ w + b, at=x, upstream=upstream)
    expect_gradient(hw, "weight.grad", layer.weight.grad, lambda w: x @ w + b, at=w, upstream=upstream)
    expect_gradient(hw, "bias.grad", layer.bias.grad, lambda b: x @ w + b, at=b, upstream=upstream)


@check("1.2", "tensor.SGD.step")
def sgd_steps(hw: Subject, rng: np.random.Generator) -> None:
    """step() moves each parameter by its velocity, which decays by the momentum."""
    start, grads = rng.normal(size=4), rng.normal(size=(3, 4))
    parameter = hw.tensor.Tensor(start)
    optimizer = hw.tensor.SGD([parameter], lr=0.1, momentum=0.5)
    velocity, at = np.zeros(4), start.copy()
    for number, grad in enumerate(grads, start=1):
        parameter.grad = grad
        optimizer.step()
        velocity = 0.5 * velocity - 0.1 * grad
        at = at + velocity
        expect_close(hw, f"the parameter after {number} steps", parameter.data, at)
    optimizer.zero_grad()
    if parameter.grad is not None and np.any(parameter.grad):
        raise Mismatch("zero_grad() leaves a gradient")


@check("1.3", "tensor.Adam.step")
def adam_steps(hw: Subject, rng: np.random.Generator) -> None:
    """step() moves each of several parameters as Adam does, with the bias of both averages corrected."""
    starts, grads = [rng.normal(size=3), rng.normal(size=(2, 2))], [rng.normal(size=(4, 3)), rng.normal(size=(4, 2, 2))]
    given, own = [[one.tensor.Tensor(start) for start in starts] for one in (hw, hw.reference)]
    optimizers = [
        hw.tensor.Adam(given, lr=0.1, betas=(0.8, 0.9)),
        hw.reference.tensor.Adam(own, lr=0.1, betas=(0.8, 0.9)),
    ]
    for number in range(4):
        for parameters, optimizer in zip((given, own), optimizers, strict=True):
            for parameter, grad in zip(parameters, grads, strict=True):
                parameter.grad = grad[number]
            optimizer.step()
        for parameter, expected in zip(given, own, strict=True):
            expect_close(hw, f"a parameter after {number + 1} steps of Adam", parameter.data, expected.data)


@check("2.1", "train.train")
def trajectory(hw: Subject, rng: np.random.Generator) -> None:
    """With one seed, training goes through the same losses and ends at the same weights."""
    x, w, b = rng.normal(size=(20, 3)), rng.normal(size=(3, 2)), np.zeros(2)
    y = x @ rng.normal(size=(3, 2))
    losses, weight = run(hw, w, b, x, y, None)
    expected, end = run(hw.reference, w, b, x, y, None)
    expect_close(hw, "the losses", np.array(losses, dtype=float), np.array(expected))
    expect_close(hw, "the weights at the end", weight, end)


@check("2.1", "train.train")
def reports(hw: Subject, rng: np.random.Generator) -> None:
    """on_step is called with the number and the loss of each step."""
    x, w, b = rng.normal(size=(20, 3)), rng.normal(size=(3, 2)), np.zeros(2)
    told: list[tuple[int, float]] = []
    losses, _ = run(hw, w, b, x, x @ w + 1, lambda step, loss: told.append((int(step), float(loss))))
    if [step for step, _ in told] != list(range(STEPS)):
        raise Mismatch(f"on_step was called with the steps {[step for step, _ in told][:5]}; expected 0, 1, 2, ...")
    expect_close(hw, "the losses that on_step was given", np.array([loss for _, loss in told]), np.array(losses))
