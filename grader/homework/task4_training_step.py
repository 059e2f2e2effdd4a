"""Task 4: training_step, with the student's own TwoLayerNet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure.diagnose import Clue
from grader.measure.expect import expect_close, expect_gradient, gather, kept_clues, mistakes, unpack

from . import network
from .differences import asks_of_differences
from .edges import ONE_ROW, edge
from .network import BIASES, WEIGHTS, Case, Sizes
from .prerequisites import LAYERS, NETWORK, built_on

REGS = (0.0, 0.7)
STEP = ("loss", "grads")
SINGLE = 1e-5  # of the largest number: what float32 sums of a few hundred squares are off by at most


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
            # Scores of order 1: where p underflows, a small constant in the logarithm is no mistake of this item.
            case = network.draw(hw, rng, sizes, biases=0.0, numeric=False, scale=2**-6)
            expect_step_loss(hw, case, strength(rng))
        expect_step_loss(hw, case, great_strength(rng))
        expect_step_loss(hw, sure(hw, rng, sizes), 0.0)
        with edge(hw, "4.1", ONE_ROW):
            expect_step_loss(hw, network.draw(hw, rng, network.one_row(rng), biases=0.0), REGS[-1])


@check("4.1", "train.training_step")
@asks_of_differences
def training_step_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """A training step returns the gradient of the whole loss, regularization included, for both weight matrices."""
    with built_on(hw, LAYERS, NETWORK):
        for sizes in network.draw_sizes(rng):
            case = network.draw(hw, rng, sizes)
            for reg in reversed(REGS):  # reg > 0 first: a gradient of the regularization alone is 0 for reg = 0
                _, grads = step(hw, case, reg, inputs=list(case.values.values()))
                expect_step_gradients(hw, case, reg, grads, WEIGHTS)
        for sizes in network.edge_sizes(rng):
            case = network.draw(hw, rng, sizes, numeric=False)
            reg = strength(rng)
            expect_step_gradients(hw, case, reg, step(hw, case, reg)[1], WEIGHTS)
        with edge(hw, "4.1", ONE_ROW):
            case = network.draw(hw, rng, network.one_row(rng), numeric=False)
            expect_step_gradients(hw, case, REGS[-1], step(hw, case, REGS[-1])[1], WEIGHTS)


@check("4.1", "train.training_step")
def training_step_biases(hw: Subject, rng: np.random.Generator) -> None:
    """A training step leaves the biases unregularized, in the loss and in their gradients."""
    with built_on(hw, LAYERS, NETWORK):
        for at, sizes in enumerate(network.draw_sizes(rng)):
            reg = 0.05 * strength(rng) if at % 2 else REGS[-1]
            case = network.draw(hw, rng, sizes, biases=3.0)
            added, grads = added_by_reg(hw, case, reg)
            expect_step_gradients(hw, case, reg, grads, BIASES)
            case.write({role: 0 * case.values[role] for role in BIASES})
            expected, _ = added_by_reg(hw, case, reg)
            clues = mistakes(hw, "biases_regularized", case.values, expected, reg)
            name = f"what reg={reg:.3g} adds to the loss of training_step with large biases {sizes}"
            expect_close(hw, name, added, expected, atol=allowed(hw, case, expected), clues=clues)


def strength(rng: np.random.Generator) -> float:
    """A regularization strength, small or large, so that none can be known."""
    return float(rng.uniform(0.01, 1) * rng.choice([0.05, 1]))


def great_strength(rng: np.random.Generator) -> float:
    """One with which the loss of a wide network is beyond 100."""
    return float(rng.uniform(10, 20))


def sure(hw: Subject, rng: np.random.Generator, sizes: Sizes) -> Case:
    """A case whose loss is below 0.01: the scores of the right class lead, by its bias."""
    case = network.draw(hw, rng, sizes, biases=0.0, numeric=False, scale=2**-9)
    label = int(rng.integers(case.sizes.classes))
    bias = np.where(np.arange(case.sizes.classes) == label, np.log(1000 * case.sizes.classes), 0.0)
    case = replace(case, values={**case.values, "bias2": bias}, y=np.full(case.sizes.batch, label))
    case.write({})
    return case


def expect_step_loss(hw: Subject, case: Case, reg: float) -> None:
    loss, _ = step(hw, case, reg)
    expected = hw.reference.answers.loss(case.values, case.X, case.y, reg)
    expect_close(
        hw,
        f"loss of training_step {case.sizes}, reg={reg:.3g}",
        loss,
        expected,
        atol=allowed(hw, case, expected),
        factors={"the batch size": case.sizes.batch},
        clues=chain(mistakes(hw, "step_loss", case.values, case.X, case.y, reg), step_clues(hw, "", case, reg)),
    )


def added_by_reg(hw: Subject, case: Case, reg: float) -> tuple[float, Any]:
    """How much regularization adds to the student's loss, and the gradients with it. Other checks test whether the
    loss is right."""
    (plain, _), (loss, grads) = step(hw, case, 0.0), step(hw, case, reg)
    without, with_reg = gather("the loss of training_step", [plain, loss])
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, which never passes
        return float(with_reg - without), grads


def step(hw: Subject, case: Case, reg: float, inputs: Sequence[Any] = ()) -> tuple[Any, Any]:
    """The student's (loss, grads) for `case`; what it does with `inputs` is noted. Raises Mismatch if the call changed
    the batch or the weights."""
    training_step = hw.train.training_step.then("parameters", of=case.net)
    answer, parameters = training_step.watched([(case.net, case.X, case.y, reg)], [inputs] if inputs else [])
    loss, grads = unpack("training_step", answer, STEP)
    if {1, 2} & set(hw.mutated):
        raise Mismatch("training_step changed its batch in place; the data are used again, so work on a copy")
    moved = case.moved(parameters)
    if moved:
        raise Mismatch(
            f"training_step changed the weights {', '.join(moved)} in place; it should only return their "
            "gradients, because the optimizer takes the step"
        )
    return loss, grads


def expect_step_gradients(hw: Subject, case: Case, reg: float, grads: Any, wanted: tuple[str, ...]) -> None:
    yours = network.expect_gradients("training_step", grads, case)
    for role in wanted:
        clues = chain(
            mistakes(hw, "step_gradient", role, case.values, case.X, case.y, reg), step_clues(hw, role, case, reg)
        )
        if case.large:
            trusted = case.step_gradient(role, reg)
            name, atol = f"{case.name('grads', role)}, reg={reg:.3g}", allowed(hw, case, trusted)
            expect_close(hw, name, yours[role], trusted, atol=atol, clues=clues)
            continue
        expect_gradient(
            hw,
            f"{case.name('grads', role)}, reg={reg:.3g}",
            yours[role],
            partial(case.loss_with, reg, role),
            at=case.values[role],
            atol=allowed(hw, case, case.values[role]),
            of=("loss", role, reg, *case.inputs),
            trusted=partial(case.step_gradient, role, reg),
            h=4e-4,  # short, because the loss curves strongly where an input is large
            factors={"the batch size": case.sizes.batch},
            clues=clues,
        )


def step_clues(hw: Subject, role: str, case: Case, reg: float) -> Iterator[Clue]:
    """What the loss may be instead, or the gradient for a role."""

    def ask(X: Any, reg: float = reg) -> Any:
        loss, grads = unpack("training_step", hw.train.training_step(case.net, X, case.y, reg), STEP)
        return network.expect_gradients("training_step", grads, case)[role] if role else loss

    yield from kept_clues(ask, X=case.X, **({} if role in BIASES else {"reg": reg}))  # biases are not regularized
    yield from mistakes(hw, "step_given", role, case.values, case.X, case.y, reg, recorded=False)


def allowed(hw: Subject, case: Case, expected: Any) -> float:
    """The absolute error that an answer may have. Parameters may be float32, and sums of them are then as precise."""
    if not case.float32:
        return hw.tolerance
    hw.advise("your parameters are float32: make them float64, as gradcheck_classifier.py also needs")
    return SINGLE * max(1.0, float(np.abs(expected).max(initial=0.0)))
