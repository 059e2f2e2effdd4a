"""Task 4: training_step, with the student's own TwoLayerNet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch, Unrecorded
from grader.measure.diagnose import Clue
from grader.measure.expect import MORE, expect_close, expect_gradient, gather, kept_clues, mistakes, unpack

from . import network
from .differences import asks_of_differences
from .edges import ONE_ROW, REUSED, edge, single
from .edges import allowed as of_inputs
from .network import BIASES, WEIGHTS, Case, Wanted
from .prerequisites import LAYERS, NETWORK, built_on

REGS = (0.0, 0.9)  # even divided by a number of rows, it is no usual strength, such as 0.1
STEP = ("loss", "grads")
Call = tuple[Case, float]  # of training_step: a network with its batch, and reg
NEAR = 2.0**-3  # a factor of the second layer: no class is so unlikely that a tiny constant in log(p) or 1 / p shows
STALE = "an earlier weight is regularized: is a copy kept?"
CHANGED = ", after a step"
STRENGTHS = (1e-4, 0.05, 1.0, 0.05)  # by what the strength is smaller, for each of the edge sizes


@check("4.1", "train.training_step")
def training_step_loss(hw: Subject, rng: np.random.Generator) -> None:
    """The loss of a training step is the softmax loss plus the regularization of both weight matrices."""
    with built_on(hw, LAYERS, NETWORK):
        # Whether biases are regularized has a check of its own.
        small, edges = network.draw_sizes(rng), network.edge_sizes(rng)
        wanted = [Wanted(sizes, biases=0.0, second=NEAR) for sizes in small]
        wanted += [Wanted(sizes, biases=0.0, numeric=False, scale=2**-6, second=NEAR) for sizes in edges[:-1]]
        # Large weights, so that what regularization adds is large, too; the hidden units are small in their place.
        wanted += [Wanted(edges[-1], biases=0.0, numeric=False, scale=scale) for scale in (2**-8, 2**-9)]
        *cases, last = network.draw_each(hw, rng, wanted)
        calls = [(case, reg) for case in cases[: len(small)] for reg in REGS]
        calls += [(case, by * strength(rng)) for case, by in zip(cases[len(small) :], STRENGTHS, strict=True)]
        calls += [(cases[-1].of_images(rng), strength(rng)), (cases[-1], great_strength(rng))]
        expect_step_losses(hw, *calls, (made_sure(rng, last), 0.0))
        expect_step_losses(hw, (cases[0].after_a_step(), REGS[-1]), before=cases[0])
        with edge(hw, "4.1", ONE_ROW):
            one = network.draw(hw, rng, Wanted(network.one_row(rng), biases=0.0, second=NEAR))
            expect_step_losses(hw, (one, REGS[-1]))


@check("4.1", "train.training_step")
@asks_of_differences
def training_step_gradient(hw: Subject, rng: np.random.Generator) -> None:
    """A training step returns the gradient of the whole loss, regularization included, for both weight matrices."""
    with built_on(hw, LAYERS, NETWORK):
        small, edges = network.draw_sizes(rng), network.edge_sizes(rng)
        wanted = [Wanted(sizes, second=NEAR) for sizes in small]
        wanted += [Wanted(sizes, numeric=False, scale=2**-6, second=NEAR) for sizes in edges]
        *cases, last = network.draw_each(hw, rng, [*wanted, Wanted(edges[0], numeric=False, scale=2**-9)])
        calls = []
        for case in cases[: len(small)]:
            # reg > 0 first: a gradient of the regularization alone is 0 for reg = 0
            calls += [(case, reg) for reg in reversed(REGS)]
            # All are asked before the first is read. If one array is used again for all, it holds what belongs to
            # these images, all of which are classified right. Their gradients are large.
            shown = case.of_images(rng)
            calls.append((replace(shown, y=np.argmax(shown.scores(), axis=1)), great_strength(rng)))
        expect_step_gradients(hw, calls, WEIGHTS, watched=True)
        calls = [(case, by * strength(rng)) for case, by in zip(cases[len(small) :], STRENGTHS, strict=True)]
        calls += [(made_sure(rng, last), 0.0), (cases[0].after_a_step(), REGS[-1])]
        expect_step_gradients(hw, calls, WEIGHTS, before=cases[0])
        with edge(hw, "4.1", ONE_ROW):
            one = network.draw(hw, rng, Wanted(network.one_row(rng), numeric=False, scale=2**-6, second=NEAR))
            expect_step_gradients(hw, [(one, REGS[-1])], WEIGHTS)


@check("4.1", "train.training_step")
def training_step_biases(hw: Subject, rng: np.random.Generator) -> None:
    """A training step leaves the biases unregularized, in the loss and in their gradients."""
    with built_on(hw, LAYERS, NETWORK):
        wanted = [Wanted(sizes, biases=3.0, second=NEAR) for sizes in network.draw_sizes(rng)]
        *cases, many = network.draw_each(hw, rng, [*wanted, Wanted(network.many_rows(rng), numeric=False)])
        calls = list(zip(cases, (REGS[-1], 0.05 * strength(rng)), strict=True))
        found, bare = added_by_reg(hw, calls), []
        for (case, reg), (_, grads) in zip(calls, found, strict=True):
            expect_gradients_of(hw, case, reg, grads, BIASES)
            bare.append((case.write({role: 0 * case.values[role] for role in BIASES}), reg))
        for (case, reg), (added, _), (expected, _) in zip(calls, found, added_by_reg(hw, bare), strict=True):
            clues = mistakes(hw, "biases_regularized", case.values, expected, reg)
            name = f"what reg={reg:.3g} adds to the loss with large biases {case.sizes}"
            expect_close(hw, name, added, expected, atol=allowed(hw, case, expected), clues=clues)
        expect_step_gradients(hw, [(many.of_images(rng), strength(rng))], BIASES)


def strength(rng: np.random.Generator) -> float:
    """A regularization strength, small or large, so that none can be known."""
    return float(rng.uniform(0.01, 1) * rng.choice([0.05, 1]))


def great_strength(rng: np.random.Generator) -> float:
    """One with which the loss of a wide network is beyond 100."""
    return float(rng.uniform(10, 20))


def made_sure(rng: np.random.Generator, case: Case) -> Case:
    """The case with a loss below 0.01: a bias makes the right class's scores lead, and no hidden unit is off."""
    label = int(rng.integers(case.sizes.classes))
    lead = float(np.float32(np.log(1000 * case.sizes.classes)))  # parameters of float32 hold it, too
    bias = np.where(np.arange(case.sizes.classes) == label, lead, 0.0)
    biases = {"bias1": np.abs(case.values["bias1"]), "bias2": bias}
    return replace(case.write(biases), y=np.full(case.sizes.batch, label))


def expect_step_losses(hw: Subject, *calls: Call, before: Case | None = None) -> None:
    """`before` is the case of the last call with its earlier weights, of which it was asked."""
    for (case, reg), (loss, _) in zip(calls, steps(hw, calls), strict=True):
        expected = hw.reference.answers.loss(case.values, case.X, case.y, reg)
        known = mistakes(hw, "step_loss", case.values, case.X, case.y, reg, recorded=before is None)
        stale = [] if before is None else [Clue(STALE, stale_loss(expected, case, before, reg))]
        expect_close(
            hw,
            f"loss of training_step {case.sizes}, reg={reg:.3g}{CHANGED * (before is not None)}",
            loss,
            expected,
            atol=allowed(hw, case, expected),
            factors={"the batch size": case.sizes.batch},
            clues=step_clues(hw, "", case, reg, chain(stale, known)),
        )


def stale_loss(right: float, case: Case, before: Case, reg: float) -> Any:
    """The loss where earlier weights are regularized."""
    now, then = (sum(float((one.values[role] ** 2).sum()) for role in WEIGHTS) for one in (case, before))
    return np.array(right + reg / 2 * (then - now))


def added_by_reg(hw: Subject, calls: Sequence[Call]) -> list[tuple[float, Any]]:
    """How much regularization adds to the student's loss in each call, and the gradients with it. Other checks test
    whether the loss is right."""
    answers = list(steps(hw, [(case, reg) for case, strong in calls for reg in (0.0, strong)]))
    losses = gather("the loss of training_step", [loss for loss, _ in answers])
    with np.errstate(invalid="ignore"):  # inf - inf is NaN, which never passes
        added = losses[1::2] - losses[::2]
    return [(float(more), grads) for more, (_, grads) in zip(added, answers[1::2], strict=True)]


def steps(hw: Subject, calls: Sequence[Call], *, watched: bool = False) -> Iterator[tuple[Any, Any]]:
    """The student's (loss, grads) for each call, asked in one round trip; if `watched`, what is done with the
    parameters is noted. Raises Mismatch if a call changed its batch or the weights."""
    asked = [
        (hw.train.training_step.then("parameters", of=case.net), (case.net, case.X, case.y, reg)) for case, reg in calls
    ]
    inputs = [list(case.values.values()) for case, _ in calls] if watched else []
    for (case, _), (answer, parameters) in zip(calls, hw.each(asked, inputs), strict=True):
        loss, grads = unpack("training_step", answer, STEP)
        if {1, 2} & set(hw.mutated):
            raise Mismatch("training_step changed its batch in place; the data are used again, so work on a copy")
        moved = case.moved(parameters)
        if moved:
            raise Mismatch(
                f"training_step changed {', '.join(moved)} in place; it should only return the gradients, because the "
                "optimizer takes the step"
            )
        yield loss, grads


def expect_step_gradients(
    hw: Subject, calls: Sequence[Call], wanted: Sequence[str], *, watched: bool = False, before: Case | None = None
) -> None:
    """`before` is the case of the last call with its earlier weights, of which it was asked."""
    for at, (_, grads) in enumerate(steps(hw, calls, watched=watched)):
        later = calls[at + 1 :]
        expect_gradients_of(hw, *calls[at], grads, wanted, later=later, before=None if later else before)


def expect_gradients_of(
    hw: Subject,
    case: Case,
    reg: float,
    grads: Any,
    wanted: Sequence[str],
    *,
    later: Sequence[Call] = (),
    before: Case | None = None,
) -> None:
    """`later` are the calls that came after this one, before its answer was read. A call whose gradient is measured is
    asked nothing more. `before` is the case with its earlier weights, of which it was asked."""
    yours = network.expect_gradients("training_step", grads, case)
    for role in wanted:
        of = role, case.values, case.X, case.y, reg
        known = mistakes(hw, "step_gradient", *of, recorded=before is None)
        clues = chain(
            []
            if before is None
            else [Clue(STALE, case.step_gradient(role, reg) + reg * (before.values[role] - case.values[role]))],
            [Clue(REUSED, partial(other.step_gradient, role, by)) for other, by in later if other.large],
            step_clues(hw, role, case, reg, known),
        )
        if case.large:
            trusted = case.step_gradient(role, reg)
            name = f"{case.name('grads', role)}, reg={reg:.3g}{CHANGED * (before is not None)}"
            atol = allowed(hw, case, trusted)
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


def step_clues(hw: Subject, role: str, case: Case, reg: float, known: Iterable[Clue]) -> Iterator[Clue]:
    """What the loss may be instead, or the gradient for a role: the `known` mistakes, and what is kept. An answer that
    changes when it is asked again comes first: a mean of all losses so far, say, may equal a known mistake's."""

    def ask(X: Any, reg: float = reg) -> Any:
        loss, grads = unpack("training_step", hw.train.training_step(case.net, X, case.y, reg), STEP)
        return network.expect_gradients("training_step", grads, case)[role] if role else loss

    again, *kept = kept_clues(ask, X=case.X, **({} if role in BIASES else {"reg": reg}))  # biases are not regularized
    yield again
    yield from known
    yield from exchanged(hw, role, case, reg)
    yield from kept
    yield from mistakes(hw, "step_given", role, case.values, case.X, case.y, reg, recorded=False)


def exchanged(hw: Subject, role: str, case: Case, reg: float) -> Iterator[Clue]:
    """The gradients for the other roles. They are asked only after a mismatch, so a handout may not know them."""
    others = [one for one in WEIGHTS + BIASES if role and one != role]
    try:
        found = {one: case.step_gradient(one, reg) for one in others}
    except Unrecorded:
        hw.advise(MORE)
        return
    for one, gradient in found.items():
        yield Clue(f"it is the gradient for {case.layout.shown(one)}: are the keys exchanged?", gradient)


def allowed(hw: Subject, case: Case, expected: Any) -> float:
    """The absolute error that an answer may have. Parameters may be float32, as inputs may, and sums of them are then
    as precise."""
    if not case.float32:
        return of_inputs(hw, case.X, expected)
    hw.advise("your parameters are float32: make them float64, as gradcheck_classifier.py also needs")
    return single(expected)
