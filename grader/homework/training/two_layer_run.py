"""A two-layer network's run of Task 4: what it is trained with, how its epochs are judged, and how it went.

What trains runs beside the student's code (worker/train_run.py). The labels that a run is judged by stay here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Crashed, Mismatch, NotImplementedYet, StudentError, TimedOut
from grader.measure.expect import is_stub, unpack
from grader.sandbox.remote import MALFORMED, Driven
from grader.sandbox.session import PATIENCE

from .. import network
from . import loop
from .curves import CHANCE, NEAR, TRAINING
from .hyperparameters import NAMES, WEIGHT_SCALE, Hyperparameters
from .loop import End
from .trained_network import Network, explain, shapes_of

Array = NDArray[Any]

IMAGES = "cifar10"  # the data set's name in rubric.yaml
SPLIT_SEED = 442  # load_cifar10's default: the images that a student trains on are those that are trained on here
VALIDATION, TRAIN = "validation", "training"  # what accuracies are measured on
JUDGED = 5000  # images that an accuracy is judged by
GLANCE = 1000  # images of the accuracy that is only shown beside it
FOLLOWS = 0.9  # of the predictions, from the parameters: float32 may tip a few, another network many
GAP = 0.10  # between training and validation accuracy: beyond it, a network overfits
BY_HEART = 0.9  # training accuracy from which on a network that overfits has nothing left to learn
MOST_EPOCHS = 6  # epochs before what a network that overfits has not reached will not come
MOST_STEPS = 1_000_000  # of a run; what tells of more is no run
WHOLE = ("num_train", "hidden_dim", "batch_size", "num_epochs")


@dataclass(frozen=True)
class Epoch:
    """One epoch: how many steps had been taken at its end, and the accuracies then."""

    steps: int
    accuracy: Mapping[str, float]


@dataclass
class Outcome:
    """How a run went. `bars` holds the accuracies it was judged by; `hyperparameters` grow as an own `main` shows them.

    `network` is the student's, as it was when the best epoch ended, and `follows` tells by what it is judged on which
    share of that epoch's predictions follows from it. Predictions alone do not show that a network learned anything:
    the labels to train on are in the student's process, and those of the data sets are public.
    """

    seed: int
    bars: Mapping[str, float]
    hyperparameters: dict[str, float]
    losses: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    end: End = End.FINISHED
    cpu: float = 0.0
    wall: float = 0.0
    looking: float = 0.0  # never: what predicts between epochs is a part of the run
    wrote: tuple[str, ...] = ()
    network: Network | None = None
    follows: dict[str, float] = field(default_factory=dict)
    shapes: str = ""
    error: StudentError | None = None

    @property
    def images(self) -> float:
        """Images that were trained on, each as often as it was."""
        return len(self.losses) * self.hyperparameters.get("batch_size", 1)

    def best(self, of: str) -> float:
        return max((epoch.accuracy[of] for epoch in self.epochs), default=0.0)

    def cleared(self, of: str) -> bool:
        return bool(self.epochs) and of in self.bars and self.best(of) >= self.bars[of]

    def clears_best(self, of: str) -> bool:
        """Whether the last epoch clears the bar, and is better than those before it."""
        earlier = max((epoch.accuracy[of] for epoch in self.epochs[:-1]), default=0.0)
        return self.cleared(of) and self.epochs[-1].accuracy[of] > earlier

    def judged(self) -> bool:
        """Whether no step has been taken since the last epoch's end."""
        return bool(self.epochs) and self.epochs[-1].steps == len(self.losses)

    def sample(self, of: str, labels: Mapping[str, Array]) -> int:
        """How many images an accuracy is of: an own main says only while it runs how many it trains on."""
        all_of_them = len(labels[of])
        return min(int(self.hyperparameters.get("num_train", all_of_them)), all_of_them) if of == TRAIN else all_of_them

    def at_chance(self) -> bool:
        """Whether nothing was learned, neither by heart nor in general."""
        return max(self.best(TRAIN), self.best(VALIDATION)) < CHANCE

    def overfits(self) -> bool:
        return self.best(TRAIN) - self.best(VALIDATION) > GAP

    def learns(self, of: str) -> bool:
        """Whether more epochs may raise an accuracy."""
        found = [epoch.accuracy[of] for epoch in self.epochs]
        return loop.still_learns(self.losses, found, overfits=of == VALIDATION and self.overfits())

    def knows_by_heart(self) -> bool:
        """Whether the training images are known by heart and others are not, which no further epoch changes."""
        by_heart = self.overfits() and self.best(TRAIN) >= BY_HEART and len(self.epochs) >= MOST_EPOCHS
        return by_heart and not self.learns(VALIDATION)

    def margin(self) -> float:
        """By how much the best of the accuracies is above its bar; below it, less than 0."""
        return max(self.best(of) - bar for of, bar in self.bars.items())

    def near(self) -> bool:
        """Whether no bar is cleared, and one is missed by no more than NEAR."""
        missed = [bar - self.best(of) for of, bar in self.bars.items()]
        return bool(self.epochs) and min(missed) > 0 and min(missed) <= NEAR + 1e-9


@dataclass(frozen=True)
class Watched:
    """What a run is judged on: images (N, 3072) uint8 and labels (N,), by VALIDATION and TRAIN."""

    arrays: Mapping[str, Array]
    labels: Mapping[str, Array]

    def images(self, of: str) -> Array:
        return self.arrays["validation"] if of == VALIDATION else self.arrays["X"][: len(self.labels[TRAIN])]


def probe(hw: Subject, rng: np.random.Generator) -> None:
    """Raises NotImplementedYet for a network or a training_step that is still a stub, before any data are read."""
    net = network.build(hw, 4, 3, 5)
    if is_stub(net.parameters()):
        raise NotImplementedYet("TwoLayerNet.parameters returned None: not implemented yet")
    answer = hw.train.training_step(net, rng.normal(size=(2, 4)), np.array([0, 2]), 0.0)
    unpack("training_step", answer, ("loss", "grads"))


def trainable(hw: Subject, found: Hyperparameters, available: int) -> dict[str, int | float]:
    """Hyperparameters as numbers that a run can take. Raises Mismatch for what nothing can be trained with.

    num_train is cut to what there is, as a slice of an array would be.
    """
    values = {name: found.values[name] for name in (*NAMES, WEIGHT_SCALE) if name in found.values}
    for name in WHOLE:
        if values[name] != int(values[name]) or values[name] < 1:
            raise Mismatch(f"{name} is {values[name]:g} in main of train.py; it has to be a whole number of at least 1")
        values[name] = int(values[name])
    if values["num_train"] > available:
        hw.advise(
            f"num_train is {values['num_train']}, but only {available} images are left beside the {JUDGED} for "
            f"validation; trained on these"
        )
        values["num_train"] = available
    return values


def available(images: Any) -> int:
    """Images that can be trained on."""
    return len(images.train_x) - JUDGED


def runs(
    hw: Subject, found: Hyperparameters, arguments: Sequence[str], bars: Mapping[str, float], seeds: tuple[int, int]
) -> Outcome:
    """A run, and a second one where it nearly misses its bar: the better one."""
    given = {} if found.unreadable else trainable(hw, found, available(hw.data(IMAGES)))
    first = train(hw, given, arguments, bars, seeds[0])
    again = partial(train, hw, given, arguments, bars, seeds[1])
    better, other = loop.better_of_two(first, first.near(), again, Outcome.margin)
    if other is not None:
        second = other if better is first else better
        hw.advise(
            f"within {NEAR:.0%} of the bar, so trained twice, with seeds {first.seed} and {second.seed}: "
            + " and ".join(f"{one.best(of):.1%}" for of in bars for one in (first, second))
            + "; the better run counts"
        )
    return better


def train(
    hw: Subject, given: Mapping[str, float], arguments: Sequence[str], bars: Mapping[str, float], seed: int
) -> Outcome:
    """One run, judged after each epoch. Without hyperparameters the student's own main is run, with `arguments` as its
    command line. Raises StudentError for a run that could never be judged."""
    run = TwoLayerLearner(hw, dict(given), arguments, Outcome(seed, bars, dict(given)))
    loop.train(hw, run, hw.settings["budget"])
    error, epochs = run.outcome.error, run.outcome.epochs
    if error is not None and not (epochs and (isinstance(error, TimedOut) or not given)):
        raise error  # of an own main only the training counts, not what it does with the model afterwards
    return run.outcome


class TwoLayerLearner:
    """What Task 4 adds to the run loop."""

    def __init__(self, hw: Subject, given: dict[str, float], arguments: Sequence[str], outcome: Outcome) -> None:
        self.hw, self.given, self.arguments, self.outcome = hw, given, list(arguments), outcome
        arrays, labels, self.key = split(hw.data(IMAGES), given, outcome.bars)
        self.watched = Watched(arrays, labels)

    def begin(self) -> Driven:
        sample = len(self.watched.labels[TRAIN])
        order = {"seed": self.outcome.seed, "settings": self.given, "sample": sample, "arguments": self.arguments}
        seconds = PATIENCE * self.hw.settings["budget"]
        self.hw.session.require("train")
        arrays = self.watched.arrays
        return self.hw.session.drive(
            "train_run", order, arrays, key=self.key, subject=TRAINING, seconds=seconds
        )  # fmt: skip

    def advance(self, going: Driven, seconds: float, silent: float) -> bool:
        return self.look(going, going.tell("advance", seconds, seconds=seconds))  # a step is never silent for longer

    def look(self, going: Driven, reply: Any) -> bool:
        """Take a reply. Where an epoch clears a bar, and is the best so far, see whether that follows from the network.

        Whether the run goes on.
        """
        outcome, watched = self.outcome, self.watched
        before = len(outcome.epochs)
        goes_on = take(outcome, reply, watched.labels)
        best = [of for of in outcome.bars if len(outcome.epochs) > before and outcome.clears_best(of)]
        if best:
            parameters = going.tell("parameters")
            outcome.shapes = shapes_of(parameters)
        for of in best:
            count = outcome.sample(of, watched.labels)
            told = reply["predictions"][of][:count]
            outcome.network, outcome.follows[of] = explain(parameters, watched.images(of)[:count], told, FOLLOWS)
        return goes_on

    def cleared(self) -> bool:
        return all(map(self.outcome.cleared, self.outcome.bars))

    def learns(self) -> bool:
        """Judged at the end of an epoch. What has cleared one of two bars need not go on for the other."""
        outcome = self.outcome
        if not outcome.judged():
            return True
        if VALIDATION in outcome.bars and outcome.knows_by_heart():
            return False
        if outcome.images < self.hw.settings["least"]:
            return True
        return not any(map(outcome.cleared, outcome.bars)) and any(map(outcome.learns, outcome.bars))

    def judge(self, going: Driven) -> None:
        outcome = self.outcome
        if outcome.error is not None:
            return
        if outcome.end in (End.BUDGET, End.ASLEEP):
            if not outcome.judged():
                self.look(going, going.tell("judge", seconds=loop.SILENT))
            elif len(outcome.epochs) == outcome.hyperparameters.get("num_epochs"):
                outcome.end = End.FINISHED
        outcome.network = outcome.network or Network.of(going.tell("parameters"))

    def progress(self) -> str:
        """A bar of epochs, the epoch, loss, accuracy."""
        outcome = self.outcome
        of = VALIDATION if VALIDATION in outcome.bars else TRAIN
        done, count = len(outcome.epochs), outcome.hyperparameters.get("num_epochs")
        bar = f"[{'#' * int(20 * min(done / count, 1)):.<20}] " if count else ""
        parts = [f"{bar}epoch {done}{f' of {count:g}' if count else ''}"]
        if outcome.losses:
            parts.append(f"loss {np.mean(outcome.losses[-50:]):.3f}")
        if outcome.epochs:
            parts.append(f"{of} {outcome.epochs[-1].accuracy[of]:.1%}")
        return ", ".join(parts)


def split(
    images: Any, given: Mapping[str, float], bars: Mapping[str, float]
) -> tuple[dict[str, Array], dict[str, Array], str]:
    """What travels, the labels to score by, and a key for the files.

    One seeded permutation, validation the slice after training, as load_cifar10 draws them. For an own main, which
    says only while it runs how many images it wants, validation is the permutation's last slice.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images.train_x))
    count = int(given.get("num_train", available(images)))
    train = order[:count]
    validation = order[count : count + (JUDGED if VALIDATION in bars else GLANCE)]
    sample = train[: JUDGED if TRAIN in bars else GLANCE]
    arrays = {"X": images.train_x[train], "y": images.train_y[train], "validation": images.train_x[validation]}
    labels = {VALIDATION: images.train_y[validation], TRAIN: images.train_y[sample]}
    return arrays, labels, f"{count}-{len(validation)}"


def take(outcome: Outcome, reply: Any, labels: Mapping[str, Array]) -> bool:
    """Add what a reply tells to the outcome; whether the run goes on. Raises Crashed for what is no reply."""
    try:
        losses, ended, exploded = reply["losses"], bool(reply["ended"]), bool(reply["exploded"])
        if losses.dtype != np.float64 or losses.ndim != 1 or len(outcome.losses) + len(losses) > MOST_STEPS:
            raise TypeError("a vector of losses expected")
        outcome.losses += losses.tolist()
        outcome.wrote = tuple(name for name in ("X_batch", "y_batch") if name in reply["wrote"])
        shown = {name: reply["settings"].get(name) for name in NAMES}
        outcome.hyperparameters |= {name: value for name, value in shown.items() if plain(name, value)}
        if reply["predictions"]:
            scores = {of: score(reply["predictions"][of], labels[of], outcome.sample(of, labels)) for of in labels}
            outcome.epochs.append(Epoch(len(outcome.losses), scores))
    except MALFORMED:
        raise Crashed(f"{TRAINING} broke the grader's channel: its reply is not one") from None
    if ended:
        outcome.end = End.DIVERGED if exploded else End.FINISHED
    return not ended


def score(predictions: Any, labels: Array, count: int) -> float:
    """The fraction of the first `count` predictions that are right, of (N,). Raises TypeError for another shape."""
    if not isinstance(predictions, np.ndarray) or predictions.shape != labels.shape:
        raise TypeError(f"{len(labels)} predictions expected")
    return float((predictions == labels)[:count].mean())


def plain(name: str, value: Any) -> bool:
    """Whether a hyperparameter that an own main showed is a number that can be told, and counted by where it counts."""
    return type(value) in (int, float) and abs(value) < 1e15 and (name not in WHOLE or value >= 1)
