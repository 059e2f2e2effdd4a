"""Task 2: modular layers: forward and backward passes, losses and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject, check
from grader.errors import Mismatch, Raised
from grader.measure import numeric
from grader.measure.expect import as_float, expect_close, expect_gradient, is_number, mistakes, unpack

Array = NDArray[np.float64]

FC_SIZES = ((4, 5, 3), (2, 3, 7))  # N, Din, Dout
SHAPES = ((5, 3), (2, 7))  # N, C
REGS = (0.0, 0.7, 3.0)
MARGIN = 0.02  # distance from the ReLU's kink, larger than any difference step
FC_BACKWARD = ("grad_x", "grad_w", "grad_b")


@check("2.1", "layers.fc_forward")
def fc_forward(hw: Subject, rng: np.random.Generator) -> None:
    """The fully-connected layer computes x w + b."""
    for size in FC_SIZES:
        x, w, b = draw_fc(rng, size)
        out, _ = unpack("fc_forward", hw.layers.fc_forward(x, w, b), ("out", "cache"))
        expect_unchanged(hw, "fc_forward", ("x", "w", "b"))
        expected, _ = hw.reference.layers.fc_forward(x, w, b)
        clues = mistakes(hw, "fc_forward_out", x, w, b)
        expect_close(hw, f"out of fc_forward {size}", out, expected, clues=clues)


@check("2.1", "layers.fc_backward")
def fc_backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass returns the gradients with respect to x, w and b."""
    for size in FC_SIZES:
        args, later = draw_fc(rng, size), draw_fc(rng, size)
        grad_out = rng.normal(size=(size[0], size[2]))
        _, cache = unpack("fc_forward", hw.layers.fc_forward(*args), ("out", "cache"))
        hw.layers.fc_forward(*later)  # a network has this layer twice, so each call needs its own cache
        grads = unpack("fc_backward", hw.layers.fc_backward(grad_out, cache), FC_BACKWARD)
        for i, name in enumerate(FC_BACKWARD):
            expect_gradient(
                hw,
                f"{name} {size}",
                grads[i],
                varying("fc_forward", hw.reference.layers.fc_forward, args, i),
                at=args[i],
                upstream=grad_out,
                own=asked("fc_forward", hw.layers.fc_forward, args, i),
                of=("fc_forward", *args, i),
                trusted=partial(trusted_fc, hw, grad_out, args, i),
                factors={"the batch size": size[0]},
                clues=mistakes(hw, "fc_backward_grad", i, grad_out, args, later),
            )


@check("2.2", "layers.relu_forward")
def relu_forward(hw: Subject, rng: np.random.Generator) -> None:
    """ReLU keeps positive values and sets all others to zero."""
    for shape in SHAPES:
        x = clear_of_kink(rng, shape)
        out, _ = unpack("relu_forward", hw.layers.relu_forward(x), ("out", "cache"))
        advise_unchanged(hw, "relu_forward")
        expected, _ = hw.reference.layers.relu_forward(x)
        clues = mistakes(hw, "relu_forward_out", x)
        expect_close(hw, f"out of relu_forward {shape}", out, expected, clues=clues)


@check("2.2", "layers.relu_backward")
def relu_backward(hw: Subject, rng: np.random.Generator) -> None:
    """The backward pass of ReLU lets the gradient through where x is positive."""
    for shape in SHAPES:
        x, grad_out = clear_of_kink(rng, shape), rng.normal(size=shape)
        _, cache = unpack("relu_forward", hw.layers.relu_forward(x), ("out", "cache"))
        expect_gradient(
            hw,
            f"grad_x of relu_backward {shape}",
            hw.layers.relu_backward(grad_out, cache),
            varying("relu_forward", hw.reference.layers.relu_forward, (x,)),
            at=x,
            upstream=grad_out,
            own=asked("relu_forward", hw.layers.relu_forward, (x,)),
            of=("relu_forward", x),
            clues=mistakes(hw, "relu_backward_grad", x, grad_out),
        )


@check("2.3", "layers.softmax_loss")
def softmax_loss_value(hw: Subject, rng: np.random.Generator) -> None:
    """The softmax loss is the mean over the batch of -log p of the right class."""
    for n, c in SHAPES:
        x, y = rng.normal(size=(n, c)), draw_labels(rng, n, c)
        loss, _ = unpack("softmax_loss", hw.layers.softmax_loss(x, y), ("loss", "grad_x"))
        advise_unchanged(hw, "softmax_loss")
        expected, _ = hw.reference.layers.softmax_loss(x, y)
        clues = mistakes(hw, "softmax_loss_value", x, y)
        name = f"loss of softmax_loss {(n, c)}"
        expect_close(hw, name, loss, expected, factors={"the batch size": n}, clues=clues)


@check("2.3", "layers.softmax_loss")
def softmax_loss_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """The softmax loss returns its gradient with respect to the scores."""
    for n, c in SHAPES:
        x, y = rng.normal(size=(n, c)), draw_labels(rng, n, c)
        _, grad_x = unpack("softmax_loss", hw.layers.softmax_loss(x, y), ("loss", "grad_x"))
        expect_gradient(
            hw,
            f"grad_x of softmax_loss {(n, c)}",
            grad_x,
            varying("softmax_loss", hw.reference.layers.softmax_loss, (x, y)),
            at=x,
            own=asked("softmax_loss", hw.layers.softmax_loss, (x, y)),
            of=("softmax_loss", x, y),
            trusted=partial(second, hw.reference.layers.softmax_loss, x, y),
            factors={"the batch size": n},
            clues=mistakes(hw, "softmax_loss_grad", x, y),
        )


@check("2.3", "layers.softmax_loss")
def softmax_loss_stable(hw: Subject, rng: np.random.Generator) -> None:
    """The softmax loss is finite and right for large scores, and does not change with a common offset."""
    for n, c in SHAPES:
        # Multiples of 2^-20, so that adding an offset is exact and the loss must not change.
        x, y = np.round(rng.normal(size=(n, c)) * 2**20) / 2**20, draw_labels(rng, n, c)
        expected = hw.reference.layers.softmax_loss(x, y)
        for offset in (1000.0, -1000.0, 10000.0):
            expect_softmax(hw, x + offset, y, expected, f"with {offset:+.0f} added to every score {(n, c)}")
        rows = 1000.0 * np.arange(n)[:, None]  # with one maximum for the whole batch, the first rows underflow
        expect_softmax(hw, x + rows, y, expected, f"of rows 1000 apart, each with its own maximum {(n, c)}")
        certain = np.where(np.arange(c) == y[:, None], 1000.0, -1000.0)
        expect_softmax(hw, certain, y, (0.0, np.zeros((n, c))), f"with +1000 for the right class {(n, c)}")
    advise_log_sum_exp(hw, certain, (y + 1) % c)


@check("2.4", "layers.l2_regularization")
def l2_value(hw: Subject, rng: np.random.Generator) -> None:
    """L2 regularization is reg / 2 times the sum of the squared weights."""
    for shape, reg in zip(((4, 3), (2, 5), (5, 2)), REGS, strict=True):
        w = rng.normal(size=shape)
        loss, _ = unpack("l2_regularization", hw.layers.l2_regularization(w, reg), ("loss", "grad_w"))
        expect_unchanged(hw, "l2_regularization", ("w",))
        expected, _ = hw.reference.layers.l2_regularization(w, reg)
        clues = mistakes(hw, "l2_value", w, reg)
        name = f"loss of l2_regularization {shape}, reg={reg}"
        expect_close(hw, name, loss, expected, factors=reg_factors(reg, w.size), clues=clues)


@check("2.4", "layers.l2_regularization")
def l2_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """L2 regularization returns its gradient with respect to the weights."""
    for shape, reg in zip(((4, 3), (2, 5), (5, 2)), REGS, strict=True):
        w = rng.normal(size=shape)
        _, grad_w = unpack("l2_regularization", hw.layers.l2_regularization(w, reg), ("loss", "grad_w"))
        expect_gradient(
            hw,
            f"grad_w of l2_regularization {shape}, reg={reg}",
            grad_w,
            varying("l2_regularization", hw.reference.layers.l2_regularization, (w, reg)),
            at=w,
            own=asked("l2_regularization", hw.layers.l2_regularization, (w, reg)),
            of=("l2_regularization", w, reg),
            trusted=partial(second, hw.reference.layers.l2_regularization, w, reg),
            factors=reg_factors(reg, w.size),
        )


def draw_fc(rng: np.random.Generator, size: tuple[int, int, int]) -> tuple[Array, Array, Array]:
    """x (N, Din), w (Din, Dout), b (Dout,), all of order 1."""
    n, d_in, d_out = size
    return rng.normal(size=(n, d_in)), rng.normal(size=(d_in, d_out)), rng.normal(size=d_out)


def trusted_fc(hw: Subject, grad_out: Array, args: Sequence[Array], i: int) -> Array:
    """The reference's i-th gradient of a fully-connected layer."""
    _, cache = hw.reference.layers.fc_forward(*args)
    return np.asarray(hw.reference.layers.fc_backward(grad_out, cache)[i])


def second(function: Callable[..., Any], *args: Any) -> Array:
    """The gradient that a loss of the reference's returns."""
    return np.asarray(function(*args)[1])


def draw_labels(rng: np.random.Generator, n: int, c: int) -> NDArray[np.int64]:
    """n labels out of c classes, never all alike."""
    while True:
        y = rng.integers(c, size=n)
        if (y != y[0]).any():
            return y


def clear_of_kink(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Values of both signs, none near zero: drawn again until all are clear."""
    while True:
        x = rng.normal(size=shape)
        if numeric.clear_of_zero(x, MARGIN) and (x > 0).any() and (x < 0).any():
            return x


def varying(name: str, function: Callable[..., Any], args: Sequence[Any], i: int = 0) -> Callable[[Array], Any]:
    """The first value that `function` returns, as a function of its i-th argument only."""

    def output(value: Array) -> Any:
        return unpack(name, function(*args[:i], value, *args[i + 1 :]), ("out", "its second part"))[0]

    return output


def asked(name: str, function: Any, args: Sequence[Any], i: int = 0) -> Callable[[Sequence[Array]], list[Any]]:
    """As `varying`, for a student's function and many values in one round trip."""

    def outputs(values: Sequence[Array]) -> list[Any]:
        answers = function.map([(*args[:i], value, *args[i + 1 :]) for value in values])
        return [unpack(name, answer, ("out", "its second part"))[0] for answer in answers]

    return outputs


def reg_factors(reg: float, size: int) -> dict[str, float]:
    return {"reg": reg, "the number of weights": size} if reg else {}


def expect_unchanged(hw: Subject, function: str, names: Sequence[str]) -> None:
    """Raise Mismatch if the last call changed its inputs: that would change the model's weights and data."""
    changed = [name for i, name in enumerate(names) if i in hw.mutated]
    if changed:
        raise Mismatch(f"{function} changed its input {' and '.join(changed)} in place; work on a copy instead")


def advise_unchanged(hw: Subject, function: str) -> None:
    """Advise against changing the input. It costs no points: between two layers the network is still right."""
    if hw.mutated:
        hw.advise(f"{function} changes its input x in place; a copy is safer, because the caller may use x again")


def expect_softmax(hw: Subject, x: Array, y: NDArray[np.int64], expected: tuple[Any, Any], name: str) -> None:
    loss, grad_x = unpack("softmax_loss", hw.layers.softmax_loss(x, y), ("loss", "grad_x"))
    factors = {"the batch size": len(x)}
    expect_close(hw, f"loss {name}", loss, expected[0], factors=factors)
    expect_close(hw, f"grad_x {name}", grad_x, expected[1], factors=factors)


def advise_log_sum_exp(hw: Subject, x: Array, y: NDArray[np.int64]) -> None:
    """Advise if log p is infinite because p underflows. The assignment does not ask for this, so it costs no points."""
    try:
        value = hw.layers.softmax_loss(x, y)
    except Raised:
        value = (None, None)
    loss: Any = value[0] if isinstance(value, tuple | list) and value else None
    if not is_number(loss) or not np.isfinite(as_float(loss)):
        hw.advise(
            "softmax_loss is not finite if the probability of the right class underflows to 0 (scores of +-1000 and "
            "another label): x - max - log(sum(exp(x - max))) stays finite, log(p) does not"
        )
