"""A scalar autograd engine: operators and attributes of the student's own objects."""

from collections.abc import Callable
from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure import numeric
from grader.measure.expect import expect_close

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "a ** 3": lambda a, b: a**3,
    "-a": lambda a, b: -a,
}


def deep(a: Any, b: Any) -> Any:
    return (a * b + a / b - 2 * b) ** 2 - b


@check("1.1", "engine.Value")
def arithmetic(hw: Subject, rng: np.random.Generator) -> None:
    """Each operator of two Values gives a Value of the right data."""
    a, b = map(float, rng.uniform(1, 2, 2))
    for name, operator in BINARY.items():
        expect_close(hw, name, operator(hw.engine.Value(a), hw.engine.Value(b)).data, operator(a, b))


@check("1.1", "engine.Value")
def plain_numbers(hw: Subject, rng: np.random.Generator) -> None:
    """Either operand may be a plain number."""
    a = float(rng.uniform(1, 2))
    for name, operator in list(BINARY.items())[:4]:
        expect_close(hw, f"{name}, b = 3", operator(hw.engine.Value(a), 3.0).data, operator(a, 3.0))
        expect_close(hw, f"{name}, a = 3", operator(3.0, hw.engine.Value(a)).data, operator(3.0, a))


@check("1.2", "engine.Value.backward")
def gradients(hw: Subject, rng: np.random.Generator) -> None:
    """backward() leaves in .grad the derivative of the result with respect to each Value."""
    at = rng.uniform(1, 2, 2)
    for name, operator in BINARY.items():
        values = [hw.engine.Value(float(x)) for x in at]
        operator(*values).backward()
        expected = numeric.gradient(lambda x, operator=operator: operator(*x), at)
        for variable, value, slope in zip("ab", values, expected, strict=True):
            expect_close(hw, f"{variable}.grad of {name}", value.grad, slope)


@check("1.2", "engine.Value.backward")
def used_twice(hw: Subject, rng: np.random.Generator) -> None:
    """A Value that is used twice adds up what comes from both."""
    at = rng.uniform(1, 2, 2)
    values = [hw.engine.Value(float(x)) for x in at]
    deep(*values).backward()
    for variable, value, slope in zip("ab", values, numeric.gradient(lambda x: deep(*x), at), strict=True):
        expect_close(hw, f"{variable}.grad", value.grad, slope, atol=1e-7)


@check("1.2", "engine.Value.backward")
def called_twice(hw: Subject, rng: np.random.Generator) -> None:
    """The gradients of two results add up until they are set to 0."""
    a = hw.engine.Value(2.0)
    (a * 3).backward()
    (a * 4).backward()
    expect_close(hw, "a.grad after two results", a.grad, 7.0)
    a.grad = 0.0
    (a * 5).backward()
    expect_close(hw, "a.grad after it was set to 0", a.grad, 5.0)


@check("2.1", "nn.Neuron")
def neuron(hw: Subject, rng: np.random.Generator) -> None:
    """A Neuron is max(0, w x + b), and parameters() are its weights, then its bias."""
    one = hw.nn.Neuron(3)
    own = one.parameters()
    if not isinstance(own, list) or len(own) != 4:
        raise Mismatch("parameters() should be a list of three weights and a bias")
    numbers, x = rng.uniform(0.5, 1, 4), rng.uniform(0.5, 1, 3)
    for parameter, number in zip(own, numbers, strict=True):
        parameter.data = float(number)
    out = one([float(part) for part in x])
    expect_close(hw, "the neuron's output", out.data, numbers[:3] @ x + numbers[3])
    out.backward()
    expect_close(hw, "the gradients", np.array([parameter.grad for parameter in own]), np.append(x, 1.0))
    own[3].data = -9.0
    expect_close(hw, "the output of a sum below 0", one([float(part) for part in x]).data, 0.0)
