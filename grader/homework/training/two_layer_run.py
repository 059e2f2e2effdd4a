"""A two-layer network's run in Task 4: its settings, how its epochs are judged, and its outcome.

The training itself runs in the student's process (worker/train_run.py). The labels for judging stay here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Crashed, Mismatch, NotImplementedYet, StudentError, TimedOut, Unrecorded
from grader.measure.expect import is_stub, unpack
from grader.sandbox.allowance import RUN
from grader.sandbox.driven import Driven
from grader.sandbox.replies import MALFORMED
from grader.sandbox.session import PATIENCE

from .. import network
from . import TRAIN, VALIDATION, loop
from .curves import CHANCE, TRAINING
from .hyperparameters import NAMES, WEIGHT_SCALE, Hyperparameters
from .loop import End
from .trained_network import CLASSES, PIXELS, Network, explain, readings, shapes_of

Array = NDArray[Any]

IMAGES = "cifar10"  # the data set's name in rubric.yaml
SPLIT_SEED = 442  # load_cifar10's default, so that the grader trains on the same images as the student
JUDGED = 5000  # images for an accuracy that is compared with a bar
GLANCE = 1000  # images for an accuracy that is only shown
FOLLOWS = 0.9  # share of predictions that must follow from the parameters; float32 changes a few, another network many
ALIKE = 0.98  # least cosine of the weight gradients that a step gave and those of its batch
LIKE = 0.4  # the same if main runs: it may have turned on dropout, or flips
KEPT = 4  # steps that a run keeps to be looked at
KNOWS, LEAP = 0.75, 0.05  # the share of a bar that tells of learning; a gain of one epoch that may be none by steps
MENDED = 0.005  # by how much predict may be better than the network itself; rounding changes single images
GAP = 0.10  # a network overfits if its training and validation accuracy differ by this much
BY_HEART = 0.9  # a network that overfits has nothing left to learn from this training accuracy on
MOST_EPOCHS = 6  # epochs after which a network that overfits is not expected to improve
MOST_STEPS = 1_000_000  # steps of a run; a reply with more is refused
STEP, LATER_STEP = 3.0, 1.0  # CPU seconds that a step may take beside its arithmetic, before and after one was stopped
SPEED = 1e9  # operations a second: right code makes ten times as many
SCALED = 2e8  # numbers of images a second that are scaled to floats before the first step: a slow machine
WHOLE = ("num_train", "hidden_dim", "batch_size", "num_epochs")


@dataclass(frozen=True)
class Epoch:
    """One epoch: the number of steps up to its end, and the accuracies then."""

    steps: int
    accuracy: Mapping[str, float]


@dataclass
class Outcome:
    """How a run went. `bars` are the required accuracies. If the student's own `main` is run, `hyperparameters` are
    filled in as it uses them.

    `network` is the student's network at the end of the best epoch. `follows` says for each bar which share of that
    epoch's predictions follows from `network`; 1 where its own clear the bar. Predictions alone do not show that a
    network learned: the training labels are in the student's process, and the data sets are public.
    """

    seed: int
    bars: Mapping[str, float]
    hyperparameters: dict[str, float]
    losses: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    end: End = End.FINISHED
    cpu: float = 0.0
    wall: float = 0.0
    looking: float = 0.0  # always 0: predictions between epochs count as part of the run
    wrote: tuple[str, ...] = ()
    moved: bool = False  # training_step, or predict, wrote into the network; what it wrote was undone
    odd: bool = False  # steps got no batch of images and labels, so their gradients were not compared
    said: dict[str, float] = field(default_factory=dict)  # the accuracy of `predict`, if the network's own is lower
    likeness: float = 1.0  # the lowest cosine of the gradients of a kept step and those of its batch
    untaught: dict[str, float] = field(default_factory=dict)  # what main reaches with noise for gradients
    network: Network | None = None
    follows: dict[str, float] = field(default_factory=dict)
    shapes: str = ""
    error: StudentError | None = None

    @property
    def images(self) -> float:
        """The number of images trained on; an image counts each time it is used."""
        return len(self.losses) * self.hyperparameters.get("batch_size", 1)

    def best(self, of: str) -> float:
        return max((epoch.accuracy[of] for epoch in self.epochs), default=0.0)

    def cleared(self, of: str) -> bool:
        return bool(self.epochs) and of in self.bars and self.best(of) >= self.bars[of]

    def clears_best(self, of: str) -> bool:
        """Whether the last epoch clears the bar and is better than all before it."""
        earlier = max((epoch.accuracy[of] for epoch in self.epochs[:-1]), default=0.0)
        return self.cleared(of) and self.epochs[-1].accuracy[of] > earlier

    def correct(self, of: str, accuracy: float) -> None:
        """Let the last epoch have the accuracy of the network's own parameters, to the last image."""
        last = self.epochs[-1]
        if last.accuracy[of] - accuracy > MENDED:
            self.said[of] = max(self.said.get(of, 0.0), last.accuracy[of])
        self.epochs[-1] = replace(last, accuracy={**last.accuracy, of: accuracy})

    def judged(self) -> bool:
        """Whether no step has been taken since the last epoch's end."""
        return bool(self.epochs) and self.epochs[-1].steps == len(self.losses)

    def sample(self, of: str, labels: Mapping[str, Array]) -> int:
        """How many images an accuracy is measured on. An own main's num_train is known only while it runs."""
        all_of_them = len(labels[of])
        return min(int(self.hyperparameters.get("num_train", all_of_them)), all_of_them) if of == TRAIN else all_of_them

    def at_chance(self) -> bool:
        """Whether nothing was learned: neither accuracy is above chance."""
        return max(self.best(TRAIN), self.best(VALIDATION)) < CHANCE

    def overfits(self) -> bool:
        return self.best(TRAIN) - self.best(VALIDATION) > GAP

    def learns(self, of: str) -> bool:
        """Whether more epochs may raise an accuracy."""
        found = [epoch.accuracy[of] for epoch in self.epochs]
        return loop.still_learns(self.losses, found, overfits=of == VALIDATION and self.overfits())

    def knows_by_heart(self) -> bool:
        """Whether the network memorized its training images and no longer improves on others."""
        by_heart = self.overfits() and self.best(TRAIN) >= BY_HEART and len(self.epochs) >= MOST_EPOCHS
        return by_heart and not self.learns(VALIDATION)

    def margin(self) -> float:
        """By how much an accuracy exceeds its bar, for the bar that it exceeds most; negative if it misses all."""
        return max(self.best(of) - bar for of, bar in self.bars.items())

    def near(self, most: float) -> bool:
        """Whether no bar is cleared, but one is missed by at most so much."""
        return bool(self.epochs) and loop.near(-self.margin(), most)


@dataclass(frozen=True)
class Watched:
    """The images (N, 3072) uint8 and labels (N,) for judging a run, by VALIDATION and TRAIN."""

    arrays: Mapping[str, Array]
    labels: Mapping[str, Array]

    def images(self, of: str) -> Array:
        return self.arrays["validation"] if of == VALIDATION else self.arrays["X"][: len(self.labels[TRAIN])]


def probe(hw: Subject, rng: np.random.Generator) -> None:
    """Raises NotImplementedYet if the network or training_step is still a stub, before any data are read."""
    net, parameters = network.build(hw, 4, 3, 5)
    if is_stub(parameters):
        raise NotImplementedYet("TwoLayerNet.parameters returned None: not implemented yet")
    answer = hw.train.training_step(net, rng.normal(size=(2, 4)), np.array([0, 2]), 0.0)
    unpack("training_step", answer, ("loss", "grads"))


def trainable(hw: Subject, found: Hyperparameters, available: int) -> dict[str, int | float]:
    """The hyperparameters as numbers for a run. Raises Mismatch for values that are not possible.

    num_train is reduced to the number of available images, as a slice of an array would be.
    """
    values = {name: found.values[name] for name in (*NAMES, WEIGHT_SCALE) if name in found.values}
    for name in WHOLE:
        if values[name] != int(values[name]) or values[name] < 1:
            raise Mismatch(f"{name} is {values[name]:g} in main of train.py; it has to be a whole number of at least 1")
        values[name] = int(values[name])
    if values["num_train"] > available:
        hw.advise(
            f"num_train is {values['num_train']}, but only {available} images are left for training, as "
            f"{JUDGED} are for validation; the run used these"
        )
        values["num_train"] = available
    return values


def available(images: Any) -> int:
    """The number of images available for training."""
    return len(images.train_x) - JUDGED


def runs(
    hw: Subject, found: Hyperparameters, arguments: Sequence[str], bars: Mapping[str, float], seeds: tuple[int, int]
) -> Outcome:
    """The better of a run and, if that falls short by no more than `repeat` says, a second one."""
    given = {} if found.unreadable else trainable(hw, found, available(hw.data(IMAGES)))
    first = train(hw, given, arguments, bars, seeds[0])
    again = partial(train, hw, given, arguments, bars, seeds[1])
    better, other = loop.better_of_two(first, first.near(hw.settings["repeat"]), again, Outcome.margin)
    if other is not None:
        second = other if better is first else better
        hw.advise(
            f"short of the bar, so trained twice, with seeds {first.seed} and {second.seed}: "
            + " and ".join(f"{one.best(of):.1%}" for of in bars for one in (first, second))
            + "; the better run counts"
        )
    if not given and any(map(better.cleared, bars)):
        better.untaught = without_gradients(hw, arguments, better)
    return better


def without_gradients(hw: Subject, arguments: Sequence[str], taught: Outcome) -> dict[str, float]:
    """The accuracy that the student's main reaches in as many steps if training_step gives it noise: none, if it learns
    by gradients, with whatever optimizer. The run ends sooner once that is clear."""
    run = TwoLayerLearner(hw, {}, arguments, Outcome(taught.seed, taught.bars, {}), taught)
    loop.train(hw, run, hw.settings["budget"])
    return {of: run.outcome.best(of) for of in taught.bars}


def train(
    hw: Subject, given: Mapping[str, float], arguments: Sequence[str], bars: Mapping[str, float], seed: int
) -> Outcome:
    """One run, judged after each epoch. If `given` is empty, the student's own main is run, with `arguments` as its
    command line. Raises StudentError if no epoch could be judged."""
    run = TwoLayerLearner(hw, dict(given), arguments, Outcome(seed, bars, dict(given)))
    loop.train(hw, run, hw.settings["budget"])
    error, epochs = run.outcome.error, run.outcome.epochs
    if (
        isinstance(error, TimedOut)
        and run.stopped
        and not epochs
        and run.stopped[-1] < RUN * hw.session.limits.call_cpu
    ):
        hw.review(f"{error.message}; that is far longer than a step of such a network takes: does it end?")
    if error is not None and not (epochs and (isinstance(error, TimedOut) or not given)):
        raise error  # an error of an own main after its training does not count
    return run.outcome


class TwoLayerLearner:
    """What Task 4 adds to the run loop. With `taught`, a run like that one which gets no gradients."""

    def __init__(
        self,
        hw: Subject,
        given: dict[str, float],
        arguments: Sequence[str],
        outcome: Outcome,
        taught: Outcome | None = None,
    ) -> None:
        self.hw, self.given, self.arguments, self.outcome, self.taught = hw, given, list(arguments), outcome, taught
        secret = hw.once("secret of the images", lambda: int(hw.seeds.integers(1 << 62)))
        arrays, labels, self.key = split(hw.data(IMAGES), given, outcome.bars, secret)
        self.watched = Watched(arrays, labels)
        self.stopped: list[float] = hw.once("stopped steps", list)  # for how long, in this and in earlier runs

    def begin(self) -> Driven:
        sample = len(self.watched.labels[TRAIN])
        order = {
            "seed": self.outcome.seed, "settings": self.given, "sample": sample, "arguments": self.arguments,
            "untaught": None if self.taught is None else np.array(self.taught.losses),
        }  # fmt: skip
        seconds = PATIENCE * self.hw.settings["budget"]
        self.hw.session.require("train")
        arrays = self.watched.arrays
        return self.hw.session.drive(
            "train_run", order, arrays, key=self.key, subject=TRAINING, seconds=seconds
        )  # fmt: skip

    def advance(self, going: Driven, seconds: float, silent: float) -> bool:
        silent = self.silent()
        try:
            return self.look(going, going.tell("advance", seconds, seconds=seconds, silent=silent))
        except TimedOut as error:
            if "of processor time and was stopped" in error.message:
                self.stopped.append(silent)
            raise

    def silent(self) -> float:
        """CPU seconds that a step may take: many times those that it takes with right code for such a network. A call's
        own limit if its size is not known, or if the grader answers for a part of the code."""
        if not self.given or self.hw.session.parts is not None:
            return math.inf
        operations: float = 6 * self.given["batch_size"] * self.watched.arrays["X"].shape[1] * self.given["hidden_dim"]
        scaling = 0.0 if self.outcome.losses else float(self.watched.arrays["X"].size / SCALED)
        return (LATER_STEP if self.stopped else STEP) + operations / SPEED + scaling

    def look(self, going: Driven, reply: Any) -> bool:
        """Record a reply and return whether the run goes on. If an epoch clears a bar and is the best so far, measure
        how far its predictions follow from the network, and count what the network itself predicts.
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
            images = watched.images(of)[:count]
            labels = watched.labels[of][:count]
            outcome.network, outcome.follows[of] = explain(parameters, images, told, FOLLOWS)
            alone = Network.of(parameters) if outcome.follows[of] < FOLLOWS else None
            if alone is not None and score(alone.predict(images), labels, count) >= outcome.bars[of]:
                outcome.network, outcome.follows[of] = alone, 1.0  # predict may drop units out, as in training
            if outcome.network is not None and outcome.follows[of] >= FOLLOWS:
                outcome.correct(of, score(outcome.network.predict(images), labels, count))
        return goes_on

    def cleared(self) -> bool:
        return all(map(self.outcome.cleared, self.outcome.bars))

    def learns(self) -> bool:
        """Decided at the end of an epoch. A run that has cleared one of two bars does not go on for the other."""
        outcome = self.outcome
        if self.taught is not None:
            return len(outcome.losses) < len(self.taught.losses) and not self.falls_behind(self.taught)
        if not outcome.judged():
            return True
        if VALIDATION in outcome.bars and outcome.knows_by_heart():
            return False
        if outcome.images < self.hw.settings["least"]:
            return True
        return not any(map(outcome.cleared, outcome.bars)) and any(map(outcome.learns, outcome.bars))

    def falls_behind(self, taught: Outcome) -> bool:
        """Whether this run, without gradients, knows nothing at the end of an epoch by which the one with gradients,
        `taught`, had come near its bars. It may not have leapt afterwards, because that could have another cause."""
        outcome = self.outcome
        if not outcome.judged() or max(outcome.epochs[-1].accuracy.values()) >= CHANCE:
            return False
        by_then = sum(epoch.steps <= len(outcome.losses) for epoch in taught.epochs)
        for of, bar in taught.bars.items():
            best = np.maximum.accumulate([0.0, *(epoch.accuracy[of] for epoch in taught.epochs)])
            if best[by_then] < KNOWS * bar or max(np.diff(best[by_then:]), default=0.0) > LEAP:
                return False
        return True

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
        if any(map(outcome.cleared, outcome.bars)) and self.taught is None and self.hw.session.parts is None:
            outcome.likeness = min(self.likeness(going.tell("kept_step", at)) for at in range(KEPT))

    def likeness(self, step: Any) -> float:
        """The cosine of the weight gradients of a kept step and the reference's for its network and batch. 1 if nothing
        was kept, if the network cannot be read, and in a handout, which has no reference. Raises Crashed."""
        try:
            if not step:
                return 1.0
            values, yours = list(readings(step["parameters"])), readings(step["gradients"])
            X, y, reg = np.asarray(step["X"], np.float64), step["y"], float(step["reg"])
            if X.shape != (*y.shape, PIXELS) or not np.isin(y, range(CLASSES)).all():
                self.outcome.odd = self.outcome.odd or bool(values)
                return 1.0
            return max(
                (
                    cosine(of, self.hw.reference.answers.step(vars(one), X, y, reg)[1])
                    for one, of in zip(values, yours, strict=False)
                ),
                default=1.0,
            )
        except Unrecorded:
            return 1.0
        except MALFORMED:
            raise Crashed(f"{TRAINING} broke the grader's channel: its reply is malformed") from None

    def progress(self) -> str:
        """A progress bar, the epoch, the loss and the accuracy."""
        outcome = self.outcome
        of = VALIDATION if VALIDATION in outcome.bars else TRAIN
        done, count = len(outcome.epochs), outcome.hyperparameters.get("num_epochs")
        bar = f"[{'#' * int(20 * min(done / count, 1)):.<20}] " if count else ""
        parts = ["once more, with noise for gradients"] if self.taught is not None else []
        parts.append(f"{bar}epoch {done}{f' of {count:g}' if count else ''}")
        if outcome.losses:
            parts.append(f"loss {np.mean(outcome.losses[-50:]):.3f}")
        if outcome.epochs:
            parts.append(f"{of} {outcome.epochs[-1].accuracy[of]:.1%}")
        return ", ".join(parts)


def split(
    images: Any, given: Mapping[str, float], bars: Mapping[str, float], secret: int
) -> tuple[dict[str, Array], dict[str, Array], str]:
    """The arrays to send, the labels for judging, and a key for the files.

    The images are permuted with a fixed seed, as in load_cifar10, so a run trains on the student's own training images.
    What decides whether anything was learned is drawn from `secret`: the validation images are some of all that are
    left, in an order of their own, and the ten classes have other numbers than in public. A network that learns follows
    the new numbers; weights and tables that were brought along do not. An own main says only while it runs how many
    images it wants, so its validation images are the last ones.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images.train_x))
    count = int(given.get("num_train", available(images)))
    train = order[:count]
    wanted = JUDGED if VALIDATION in bars else GLANCE
    validation = np.random.default_rng([secret, count, wanted]).permutation(order[count:])[:wanted]
    labels_now = np.random.default_rng(secret).permutation(CLASSES)[images.train_y]
    sample = train[: JUDGED if TRAIN in bars else GLANCE]
    arrays = {"X": images.train_x[train], "y": labels_now[train], "validation": images.train_x[validation]}
    labels = {VALIDATION: labels_now[validation], TRAIN: labels_now[sample]}
    return arrays, labels, f"{count}-{len(validation)}"


def take(outcome: Outcome, reply: Any, labels: Mapping[str, Array]) -> bool:
    """Add a reply to the outcome and return whether the run goes on. Raises Crashed for a malformed reply."""
    try:
        losses, ended, exploded = reply["losses"], bool(reply["ended"]), bool(reply["exploded"])
        if losses.dtype != np.float64 or losses.ndim != 1 or len(outcome.losses) + len(losses) > MOST_STEPS:
            raise TypeError("a vector of losses expected")
        outcome.losses += losses.tolist()
        outcome.wrote = tuple(name for name in ("X_batch", "y_batch") if name in reply["wrote"])
        outcome.moved = outcome.moved or reply["moved"] is True
        outcome.odd = outcome.odd or reply["odd"] is True
        shown = {name: reply["settings"].get(name) for name in NAMES}
        outcome.hyperparameters |= {name: value for name, value in shown.items() if plain(name, value)}
        if reply["predictions"]:
            scores = {of: score(reply["predictions"][of], labels[of], outcome.sample(of, labels)) for of in labels}
            outcome.epochs.append(Epoch(len(outcome.losses), scores))
    except MALFORMED:
        raise Crashed(f"{TRAINING} broke the grader's channel: its reply is malformed") from None
    if ended:
        outcome.end = End.DIVERGED if exploded else End.FINISHED
    return not ended


def score(predictions: Any, labels: Array, count: int) -> float:
    """The fraction of right ones among the first `count` predictions (N,). Raises TypeError for another shape."""
    if not isinstance(predictions, np.ndarray) or predictions.shape != labels.shape:
        raise TypeError(f"{len(labels)} predictions expected")
    return float((predictions == labels)[:count].mean())


def cosine(yours: Network, trusted: Mapping[str, Array]) -> float:
    """Of the gradients of both weights together; 1 where either is zero."""
    pairs = [(getattr(yours, role), trusted[role]) for role in network.WEIGHTS]
    lengths = [math.sqrt(sum(float(np.square(pair[at]).sum()) for pair in pairs)) for at in (0, 1)]
    return sum(float((one * other).sum()) for one, other in pairs) / math.prod(lengths) if all(lengths) else 1.0


def plain(name: str, value: Any) -> bool:
    """Whether a hyperparameter from an own main is a number fit for a report; a count must be at least 1."""
    return type(value) in (int, float) and abs(value) < 1e15 and (name not in WHOLE or value >= 1)
