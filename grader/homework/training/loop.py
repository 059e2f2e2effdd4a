"""Training runs of a student's network: what is trained with, for how long, and how it went.

The loop itself runs beside the student's code (worker/training.py). The labels that a run is judged by stay here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Crashed, Mismatch, NotImplementedYet, StudentError, TimedOut
from grader.measure.expect import is_stub, unpack
from grader.sandbox.remote import MALFORMED, Driven
from grader.sandbox.session import PATIENCE

from .. import network
from .curves import CHANCE, NEAR, TRAINING, fell
from .hyperparameters import NAMES, WEIGHT_SCALE, Place

Array = NDArray[Any]

IMAGES = "cifar10"  # the data set's name in rubric.yaml
SPLIT_SEED = 442  # load_cifar10's default: the images that a student trains on are those that are trained on here
VALIDATION, TRAIN = "validation", "training"  # what accuracies are measured on
JUDGED = 5000  # images that an accuracy is judged by
GLANCE = 1000  # images of the accuracy that is only shown beside it
SLICE = 2.0  # CPU seconds between two looks at a long epoch
IDLE, BUSY = 10.0, 0.05  # a run that computes for less than this part of so many seconds is asleep
PIXELS, CLASSES = 3072, 10
WIDEST = 8192  # hidden units of a network that is looked at here
MOST_STEPS = 1_000_000  # of a run; what tells of more is no run
WHOLE = ("num_train", "hidden_dim", "batch_size", "num_epochs")


class End(StrEnum):
    """Why a run ended, as the end of a sentence."""

    CLEARED = "as soon as the bar was cleared"
    FINISHED = "after its last epoch"
    BUDGET = "when its time was used up"
    ASLEEP = "because it waited rather than computed"
    DIVERGED = "when the loss exploded"
    RAISED = "by an exception"


@dataclass(frozen=True)
class Epoch:
    """One epoch: how many steps had been taken at its end, and the accuracies then."""

    steps: int
    accuracy: Mapping[str, float]


@dataclass(frozen=True)
class Network:
    """A trained network's arrays, told apart by their shapes: (3072, H), (H,), (H, 10), (10,)."""

    weight1: Array
    bias1: Array
    weight2: Array
    bias2: Array

    @classmethod
    def of(cls, parameters: Any) -> Network | None:
        """None for parameters of other shapes or kinds, and for what is not finite. Of two biases of one shape, which
        10 hidden units have, the first is the first layer's."""
        arrays = list(parameters.values()) if isinstance(parameters, dict) else []
        if not all(isinstance(array, np.ndarray) and array.dtype == np.float32 for array in arrays):
            return None
        hidden = next((array.shape[1] for array in arrays if array.ndim == 2 and array.shape[0] == PIXELS), 0)
        found = []
        for shape in ((PIXELS, hidden), (hidden,), (hidden, CLASSES), (CLASSES,)):
            at = next((at for at, array in enumerate(arrays) if array.shape == shape), None)
            if at is None:
                return None
            found.append(arrays.pop(at))
        if arrays or hidden > WIDEST or not all(np.isfinite(array).all() for array in found):
            return None
        return cls(*(array.astype(np.float64) for array in found))

    def predict(self, X: Array) -> Array:
        """Classes (N,) for images (N, 3072) uint8, by this forward pass and no student's."""
        hidden = np.maximum(X / 255 @ self.weight1 + self.bias1, 0)
        return np.asarray((hidden @ self.weight2 + self.bias2).argmax(axis=1))

    def strongest(self, most: int) -> Array:
        """First-layer weights (3072, at most `most`) of the units where they are largest."""
        largest = np.argsort(-np.square(self.weight1).sum(axis=0), kind="stable")[:most]
        return self.weight1[:, largest]


@dataclass
class Outcome:
    """How a run went. `bars` holds the accuracies it was judged by; `settings` grow as an own `main` shows them.

    `network` is the student's, as it was when the best epoch ended, and `follows` tells by what it is judged on which
    share of that epoch's predictions follows from it. Predictions alone do not show that a network learned anything:
    the labels to train on are in the student's process, and those of the data sets are public.
    """

    seed: int
    bars: Mapping[str, float]
    settings: dict[str, float]
    losses: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    end: End = End.FINISHED
    cpu: float = 0.0
    wall: float = 0.0
    wrote: tuple[str, ...] = ()
    network: Network | None = None
    follows: dict[str, float] = field(default_factory=dict)
    error: str = ""

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
        return min(int(self.settings.get("num_train", all_of_them)), all_of_them) if of == TRAIN else all_of_them

    def at_chance(self) -> bool:
        """Whether nothing was learned, neither by heart nor in general."""
        return max(self.best(TRAIN), self.best(VALIDATION)) < CHANCE

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


def trainable(hw: Subject, place: Place, available: int) -> dict[str, int | float]:
    """The settings as numbers that a run can take. Raises Mismatch for what nothing can be trained with.

    num_train is cut to what there is, as a slice of an array would be.
    """
    values = {name: place.values[name] for name in (*NAMES, WEIGHT_SCALE) if name in place.values}
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
    hw: Subject, place: Place, arguments: Sequence[str], bars: Mapping[str, float], seeds: tuple[int, int]
) -> Outcome:
    """A run, and a second one with the other seed where the first misses its bar by no more than NEAR: the better one.

    That is the whole rule: neither a far miss nor a cleared bar is tried again, and nothing is tried three times.
    """
    settings = {} if place.unreadable else trainable(hw, place, available(hw.data(IMAGES)))
    first = train(hw, settings, arguments, bars, seeds[0])
    if not first.near():
        return first
    second = train(hw, settings, arguments, bars, seeds[1])
    hw.advise(
        f"within {NEAR:.0%} of the bar, so trained twice, with seeds {first.seed} and {second.seed}: "
        + " and ".join(f"{one.best(of):.1%}" for of in bars for one in (first, second))
        + "; the better run counts"
    )
    return max(second, first, key=lambda outcome: max(outcome.best(of) - bar for of, bar in bars.items()))


def train(
    hw: Subject, settings: Mapping[str, float], arguments: Sequence[str], bars: Mapping[str, float], seed: int
) -> Outcome:
    """One run, judged after each epoch, until all bars are cleared (unless `hw.full`), it ends, or its budget does.

    Without settings the student's own main is run, with `arguments` as its command line.
    Raises StudentError for a run that could never be judged.
    """
    outcome = Outcome(seed, bars, dict(settings))
    arrays, labels, key = split(hw.data(IMAGES), settings, bars)
    order = {"seed": seed, "settings": dict(settings), "sample": len(labels[TRAIN]), "arguments": list(arguments)}
    hw.session.require("train")
    seconds = PATIENCE * hw.settings["long_budget"]
    going = hw.session.drive("training", order, arrays, key=key, subject=TRAINING, seconds=seconds)
    try:
        follow(hw, going, outcome, Watched(arrays, labels))
        outcome.cpu = going.used()
        outcome.network = outcome.network or Network.of(going.tell("parameters"))
    except TimedOut:
        if not outcome.epochs:
            raise
        outcome.end = End.BUDGET
    except StudentError as error:
        if settings or not outcome.epochs:
            raise  # of an own main only the training counts, not what it does with the model afterwards
        outcome.end, outcome.error = End.RAISED, error.message
    finally:
        hw.session.renew()  # its images, and an own main that may still be running, end with it
    return outcome


def follow(hw: Subject, going: Driven, outcome: Outcome, watched: Watched) -> None:
    """Let a run go on, a slice at a time. One that is cut is judged once more as it stands.

    One that is still learning when its budget is used up gets the long budget, before points are lost.
    """
    budget = hw.settings["long_budget" if hw.full else "budget"]
    began = time.monotonic()
    while True:
        outcome.cpu, outcome.wall = going.used(), time.monotonic() - began
        asleep = outcome.wall > IDLE and outcome.cpu < BUSY * outcome.wall
        left = min(budget - outcome.cpu, budget - outcome.wall / PATIENCE)
        if left <= 0 and not asleep and promising(outcome):
            budget, left = hw.settings["long_budget"], hw.settings["long_budget"] - budget
        if asleep or left <= 0:
            outcome.end = End.ASLEEP if asleep else End.BUDGET
            if not outcome.judged():
                look(outcome, going, going.tell("judge"), watched)
            elif len(outcome.epochs) == outcome.settings.get("num_epochs"):
                outcome.end = End.FINISHED
            return
        if not look(outcome, going, going.advance(min(SLICE, left)), watched):
            return
        hw.progress(progress(outcome))
        if not hw.full and all(map(outcome.cleared, outcome.bars)):
            outcome.end = End.CLEARED
            return


def look(outcome: Outcome, going: Driven, reply: Any, watched: Watched) -> bool:
    """Take a reply. Where an epoch clears a bar, and is the best so far, see whether that follows from the network.

    Whether the run goes on.
    """
    before = len(outcome.epochs)
    goes_on = take(outcome, reply, watched.labels)
    best = [of for of in outcome.bars if len(outcome.epochs) > before and outcome.clears_best(of)]
    if best:
        outcome.network = Network.of(going.tell("parameters"))
    for of in best:
        count = outcome.sample(of, watched.labels)
        found = outcome.network.predict(watched.images(of)[:count]) if outcome.network is not None else None
        outcome.follows[of] = 0.0 if found is None else float((found == reply["predictions"][of][:count]).mean())
    return goes_on


def promising(outcome: Outcome) -> bool:
    """Whether a run has cleared nothing yet, and its loss is on the way down."""
    tenth = len(outcome.losses) // 10
    if not tenth or any(map(outcome.cleared, outcome.bars)):
        return False
    return fell(outcome.losses[:tenth], outcome.losses[-tenth:])


def split(
    images: Any, settings: Mapping[str, float], bars: Mapping[str, float]
) -> tuple[dict[str, Array], dict[str, Array], str]:
    """What travels, the labels to score by, and a key for the files.

    One seeded permutation, validation the slice after training, as load_cifar10 draws them. For an own main, which
    says only while it runs how many images it wants, validation is the permutation's last slice.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images.train_x))
    count = int(settings.get("num_train", available(images)))
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
        outcome.settings |= {name: value for name, value in shown.items() if plain(name, value)}
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
    """Whether a setting that an own main showed is a number that can be told, and counted by where it counts."""
    return type(value) in (int, float) and abs(value) < 1e15 and (name not in WHOLE or value >= 1)


def progress(outcome: Outcome) -> str:
    """A line for the terminal: a bar of epochs, the epoch, loss, accuracy."""
    of = VALIDATION if VALIDATION in outcome.bars else TRAIN
    done, count = len(outcome.epochs), outcome.settings.get("num_epochs")
    bar = f"[{'#' * int(20 * min(done / count, 1)):.<20}] " if count else ""
    parts = [f"{bar}epoch {done}{f' of {count:g}' if count else ''}"]
    if outcome.losses:
        parts.append(f"loss {np.mean(outcome.losses[-50:]):.3f}")
    if outcome.epochs:
        parts.append(f"{of} {outcome.epochs[-1].accuracy[of]:.1%}")
    return ", ".join(parts)
