"""Task 4: training_step, with the student's own TwoLayerNet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure import numeric
from grader.measure.diagnose import SIX_DIGITS, Clue
from grader.measure.expect import expect_close, expect_gradient, gather, unpack

from . import network
from .edges import ONE_ROW, edge
from .network import BIASES, WEIGHTS, Array, Case
from .prerequisites import LAYERS, NETWORK, built_on, tell

REGS = (0.0, 0.7)
STEP = ("loss", "grads")


@check("4.1", "train.training_step")
def training_step_loss(hw: Subject, rng: np.random.Generator) -> None:
    """The loss of a training step is the softmax loss plus the regularization of both weight matrices."""
    with built_on(hw, LAYERS, NETWORK):
        # Whether biases are regularized has a check of its own.
        for sizes in network.draw_sizes(rng):
            case = network.draw(hw, rng, sizes, biases=0.0)
            for reg in REGS:
                expect_step_loss(hw, case, reg)
        for sizes in network.edge_sizes(rng):
            expect_step_loss(hw, network.draw(hw, rng, sizes, biases=0.0, numeric=False), REGS[-1])
        with edge(hw, "4.1", ONE_ROW):
            expect_step_loss(hw, network.draw(hw, rng, network.one_row(rng), biases=0.0), REGS[-1])


@check("4.1", "train.training_step")
def training_step_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """A training step returns the gradient of the whole loss, regularization included, for both weight matrices."""
    with built_on(hw, LAYERS, NETWORK):
        for sizes in network.draw_sizes(rng):
            case = network.draw(hw, rng, sizes)
            for reg in reversed(REGS):  # reg > 0 first: a gradient of the regularization alone is 0 for reg = 0
                _, grads = step(hw, case, reg)
                expect_step_gradients(hw, case, reg, grads, WEIGHTS)
        for sizes in network.edge_sizes(rng):
            case = network.draw(hw, rng, sizes, numeric=False)
            expect_step_gradients(hw, case, REGS[-1], step(hw, case, REGS[-1])[1], WEIGHTS)
        with edge(hw, "4.1", ONE_ROW):
            case = network.draw(hw, rng, network.one_row(rng), numeric=False)
            expect_step_gradients(hw, case, REGS[-1], step(hw, case, REGS[-1])[1], WEIGHTS)


@check("4.1", "train.training_step")
def training_step_biases(hw: Subject, rng: np.random.Generator) -> None:
    """A training step leaves the biases unregularized, in the loss and in their gradients."""
    reg = REGS[-1]
    with built_on(hw, LAYERS, NETWORK):
        for sizes in network.draw_sizes(rng):
            case = network.draw(hw, rng, sizes, biases=3.0)
            added, grads = added_by_reg(hw, case, reg)
            expect_step_gradients(hw, case, reg, grads, BIASES)
            squares = sum(float((case.values[role] ** 2).sum()) for role in BIASES)
            case.write({role: 0 * case.values[role] for role in BIASES})
            expected, _ = added_by_reg(hw, case, reg)
            clues = [Clue("the biases are regularized too; leave them out", np.array(expected + reg / 2 * squares))]
            name = f"what reg={reg} adds to the loss of training_step with large biases {sizes}"
            expect_close(hw, name, added, expected, clues=clues)


def expect_step_loss(hw: Subject, case: Case, reg: float) -> None:
    loss, _ = step(hw, case, reg)
    with in_float64(case):
        expect_close(
            hw,
            f"loss of training_step {case.sizes}, reg={reg}",
            loss,
            trusted_loss(hw, case, reg),
            factors={"the batch size": case.sizes.batch},
            clues=loss_clues(hw, case, reg),
        )


def added_by_reg(hw: Subject, case: Case, reg: float) -> tuple[float, Any]:
    """How much regularization adds to the student's loss, and the gradients with it. Other checks test whether the
    loss is right."""
    (plain, _), (loss, grads) = step(hw, case, 0.0), step(hw, case, reg)
    without, with_reg = gather("the loss of training_step", [plain, loss])
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, which never passes
        return float(with_reg - without), grads


def step(hw: Subject, case: Case, reg: float) -> tuple[Any, Any]:
    """The student's (loss, grads) for `case`. Raises Mismatch if the call changed the batch or the weights."""
    loss, grads = unpack("training_step", hw.train.training_step(case.net, case.X, case.y, reg), STEP)
    if {1, 2} & set(hw.mutated):
        raise Mismatch("training_step changed its batch in place; the data are used again, so work on a copy")
    moved = case.moved()
    if moved:
        raise Mismatch(
            f"training_step changed the weights {', '.join(moved)} in place; it should only return their "
            "gradients, because the optimizer takes the step"
        )
    return loss, grads


def trusted_loss(hw: Subject, case: Case, reg: float) -> float:
    return float(hw.reference.train.training_step(case.reference, case.X, case.y, reg)[0])


def loss_with(hw: Subject, case: Case, reg: float, role: str, value: Array) -> float:
    """The reference's loss with one parameter replaced: softmax of the scores plus both weights' regularization."""
    layers = hw.reference.layers
    weights = [value if other == role else case.values[other] for other in WEIGHTS]
    loss = layers.softmax_loss(case.forward_with(role, value), case.y)[0]
    return float(loss + sum(layers.l2_regularization(w, reg)[0] for w in weights))


def expect_step_gradients(hw: Subject, case: Case, reg: float, grads: Any, wanted: tuple[str, ...]) -> None:
    yours = network.expect_gradients("training_step", grads, case)
    if case.large:
        trusted = case.by_role(hw.reference.train.training_step(case.reference, case.X, case.y, reg)[1])
        for role in wanted:
            with in_float64(case):
                expect_close(hw, f"{case.name('grads', role)}, reg={reg}", yours[role], trusted[role])
        return
    for role in wanted:
        with in_float64(case):
            expect_gradient(
                hw,
                f"{case.name('grads', role)}, reg={reg}",
                yours[role],
                partial(loss_with, hw, case, reg, role),
                at=case.values[role],
                of=("loss", role, reg, *case.inputs),
                h=4e-4,  # short, because the loss curves strongly where an input is large
                factors={"the batch size": case.sizes.batch},
                clues=gradient_clues(hw, case, reg, role),
            )


@contextmanager
def in_float64(case: Case) -> Iterator[None]:
    """If an answer is only as precise as float32 and the parameters are float32, say that this is the reason."""
    try:
        yield
    except Mismatch as miss:
        if case.float32 and SIX_DIGITS in miss.message:
            tell(miss, "Your parameters are float32: make them float64, as gradcheck_classifier.py also needs")
        raise


def loss_clues(hw: Subject, case: Case, reg: float) -> list[Clue]:
    """Losses with a wrong regularization; none for reg = 0, where they are all equal."""
    if not reg:
        return []
    data, total = trusted_loss(hw, case, 0.0), trusted_loss(hw, case, reg)
    first, second = (reg / 2 * float((case.values[role] ** 2).sum()) for role in WEIGHTS)
    return [
        Clue("the regularization is missing", np.array(data)),
        Clue("only the first weight matrix is regularized", np.array(data + first)),
        Clue("only the second weight matrix is regularized", np.array(data + second)),
        Clue("it is the regularization alone, without the softmax loss", np.array(first + second)),
        Clue("the regularization is subtracted", np.array(2 * data - total)),
        Clue(
            "the regularization is divided by N; only the softmax loss is a mean over the batch",
            np.array(data + (first + second) / case.sizes.batch),
        ),
        Clue("the regularization is counted twice: l2_regularization holds reg / 2", np.array(2 * total - data)),
    ]


def gradient_clues(hw: Subject, case: Case, reg: float, role: str) -> list[Clue]:
    """Gradients with a wrong regularization of a weight, or a regularized bias; none for reg = 0."""
    if not reg:
        return []
    penalty = reg * case.values[role]

    @cache
    def data() -> Array:
        return numeric.gradient(partial(loss_with, hw, case, 0.0, role), case.values[role])

    if role in BIASES:
        return [Clue("the bias is regularized; only the weight matrices are", lambda: data() + penalty)]
    return [
        Clue("the gradient of the regularization is missing", data),
        Clue("it is the gradient of the regularization alone", penalty),
        Clue("the gradient of the regularization is subtracted", lambda: data() - penalty),
        Clue("the gradient of the regularization is added twice", lambda: data() + 2 * penalty),
    ]
