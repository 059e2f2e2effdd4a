"""Runs a notebook's own training on Fashion-MNIST and measures it on pictures whose labels stay here.

The training itself runs in the student's process (worker/notebook_run.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.check import Subject
from grader.errors import Crashed, Mismatch, Raised, StudentError, TimedOut
from grader.sandbox.driven import Driven
from grader.sandbox.replies import MALFORMED
from grader.sandbox.session import PATIENCE

from ..training import loop
from ..training.curves import CHANCE, TRAINING
from ..training.loop import End
from . import IMAGES, PART1
from .handed_in import handed_in, left_out, told
from .survey import Survey

Array = NDArray[Any]

EVERY = 20_000  # training pictures between two looks; a look costs as much as training on 300 to 500
GLANCE = {"test": 600, "training": 200}  # pictures in a look
JUDGE_AGAIN = 8  # looks between two measurements on the whole test set, each as costly as training on 3,000 to 6,000
GLANCE_TIME, JUDGE_TIME = 8.0, 60.0  # CPU seconds for a look, and for the last measurement on the test set
AFTERWARDS = 10.0  # CPU seconds without any sign of a notebook that has trained
GAP = 0.10  # a network overfits if its training and test accuracy differ by this much
PRESSED = 0.9  # fewer predictions than requested are accepted only if they took this share of the allowed time
USUAL_BATCH = 64  # assumed if a notebook's batch size is unknown
COMPARED = 1000  # training pictures whose accuracy is compared with that of all test pictures
SURE = 500  # pictures needed to measure the test accuracy
INSTEAD = 600  # test pictures that are shown to a network whose parameters have other values
FEW, GLIMPSE = 5, 300  # after FEW steps no network has learned much; that is tested on GLIMPSE pictures
LONGEST, MOST = 300, 200  # most characters of a text, and entries of a list, from a student's process
ASKED = "the network, asked for classes,"
SEEDS = 1 << 31
CLASSES = 10
MOST_STEPS = 1_000_000  # steps of a run; a reply with more is refused


@dataclass(frozen=True)
class Look:
    """Accuracies after `steps` steps, on a part of each set; `pictures` is the size of the part of the test set."""

    steps: int
    test: float
    training: float
    pictures: int = GLANCE["test"]


@dataclass(frozen=True)
class HeldOut:
    """The test set as sent to the student's process: in a secret order, each pixel one grey level darker or lighter. So
    neither the position in the public set nor the bytes of a picture give its label away. Black stays black, and
    nothing else becomes it: a network may look at outlines. `at` (N,) are the positions in the public set. `new` (10,)
    are the numbers of the ten classes in this submission's runs: a network that learns follows them, a table and
    weights that were brought along do not. `y` (N,) are in these numbers."""

    at: Array
    x: Array
    y: Array
    new: Array = field(default_factory=lambda: np.arange(CLASSES))


@dataclass
class Outcome:
    """How a run of at most `budget` CPU seconds went. `classes` and `probabilities` (N,) are the predictions for the
    test pictures `at` (N,) at the end of the run."""

    seed: int
    budget: float
    losses: list[float] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    epochs: int = 0
    end: End = End.FINISHED
    cpu: float = 0.0
    wall: float = 0.0
    looking: float = 0.0
    accuracy: float = 0.0
    training: float = 1.0  # accuracy on COMPARED training pictures, measured together with `accuracy`
    classes: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    probabilities: Array = field(default_factory=lambda: np.zeros(0))
    at: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    facts: Mapping[str, Any] = field(default_factory=dict)
    at_first: float = 0.0  # test accuracy after the first few steps
    instead: dict[str, float] = field(default_factory=dict)  # test accuracy with other parameters; see `others`
    problems: tuple[tuple[int, int, str], ...] = ()
    error: StudentError | None = None

    @property
    def steps(self) -> int:
        return len(self.losses)

    @property
    def pictures(self) -> float:
        """The number of pictures trained on; a picture counts each time it is used."""
        batch = self.fact("settings", dict).get("batch_size")
        return self.steps * (batch if type(batch) is int and batch > 0 else USUAL_BATCH)

    def learns(self) -> bool:
        """Whether more training may help, judged by the looks and the loss."""
        overfits = bool(self.looks) and self.looks[-1].training - self.looks[-1].test > GAP
        return loop.still_learns(self.losses, [look.test for look in self.looks], overfits=overfits)

    def cut(self) -> bool:
        """Whether the time limit ended the run while it still learned."""
        return self.end is End.BUDGET and self.learns()

    def fact(self, name: str, kind: type = int) -> Any:
        """One of `facts`. They come from the student's process, so a value of another type counts as absent."""
        value = self.facts.get(name)
        return value if type(value) is kind else kind()


def part1(hw: Subject) -> Survey:
    """The student's notebook of Task 5. Raises NotImplementedYet if it is absent or unchanged since the handout."""
    return handed_in(hw, PART1)


def first(hw: Subject) -> Outcome:
    """The run that all checks of this task share. The first check that needs it starts it."""
    return hw.once("first run", lambda: run(hw, part1(hw), int(hw.seeds.integers(SEEDS))))


def held_out(hw: Subject) -> HeldOut:
    """The test pictures for this submission. Their order and grey levels use randomness from the operating system, so
    the seed in the student's process does not reveal them."""

    def draw() -> HeldOut:
        x, y = hw.data(IMAGES).test_x, hw.data(IMAGES).test_y
        rng = np.random.default_rng(int.from_bytes(os.urandom(16)))
        at = rng.permutation(len(y))
        shifted = x[at].astype(np.int16) + rng.choice(np.array([-1, 1], np.int16), x.shape)
        new = hw.seeds.permutation(CLASSES)
        shifted = np.where(x[at] > 0, shifted.clip(1, 255), 0)
        return HeldOut(at, shifted.astype(np.uint8), new[y[at]], new)

    return hw.once("held out", draw)


def run(hw: Subject, student: Survey, seed: int) -> Outcome:
    """One run of a notebook. An error of the student's code is stored in the outcome's `error`."""
    settings = hw.settings_of("5.3")
    outcome = Outcome(seed, settings["budget"])
    loop.train(hw, NotebookLearner(hw, student, outcome, settings), outcome.budget)
    seen = [look.test for look in outcome.looks if look.pictures >= SURE]
    if outcome.error is not None and seen and not outcome.accuracy:
        outcome.accuracy = seen[-1]  # a stopped run cannot be measured again
    return outcome


class NotebookLearner:
    """What Task 5 adds to the run loop: looks at regular intervals, and measurements on the whole test set."""

    def __init__(self, hw: Subject, student: Survey, outcome: Outcome, settings: Mapping[str, float]) -> None:
        self.hw, self.student, self.outcome, self.settings = hw, student, outcome, settings
        claim = student.claimed
        self.promised = claim is not None and claim >= settings["full"]
        self.trained = False  # whether a statement that trains has ended
        self.looked = 0  # steps at the last look
        self.judged = -JUDGE_AGAIN  # looks at the last judgement

    def begin(self) -> Driven:
        images, student = self.hw.data(IMAGES), self.student
        order = {"name": student.name, "cells": student.code, "seed": self.outcome.seed}
        held = held_out(self.hw)
        arrays = {"train_x": images.train_x, "train_y": held.new[images.train_y], "test_x": held.x}
        seconds = PATIENCE * (self.outcome.budget + JUDGE_TIME)
        return self.hw.session.drive(
            "notebook_run", order, arrays, key=images.digest, subject=TRAINING, seconds=seconds
        )

    def every(self) -> int:
        """Steps between two looks; the first comes after one step."""
        outcome = self.outcome
        return max(1, round(EVERY * outcome.steps / outcome.pictures)) if outcome.steps else 1

    def advance(self, going: Driven, seconds: float, silent: float) -> bool:
        outcome, left = self.outcome, self.looked + self.every() - self.outcome.steps
        begins = not outcome.steps
        reply = going.tell("advance", seconds, max(1, left), seconds=self.silent(silent))
        goes_on = take(reply, outcome)
        self.trained = reply.get("trained") is True
        with self.looking(going):
            if begins:
                self.learn_facts(going)  # now, because a stopped run cannot answer
                if 0 < outcome.steps <= FEW:
                    outcome.at_first = right(predicted(going, "test", GLIMPSE, GLANCE_TIME)[0], held_out(self.hw).y)
            elif outcome.steps >= self.looked + self.every():
                self.look(going)
        if outcome.losses and not np.isfinite(outcome.losses[-1]):
            outcome.end = End.DIVERGED
            return False
        return goes_on

    def silent(self, most: float) -> float:
        """CPU seconds in which the notebook may show nothing: neither a batch, nor a picture, nor its network. After
        training, what it draws may take longer."""
        return min(most, AFTERWARDS if self.trained else loop.SLICE)

    def look(self, going: Driven) -> None:
        """Measure the accuracy on a part of both sets; if that part clears the bar, on the whole test set."""
        outcome, held = self.outcome, held_out(self.hw)
        labels = {"test": held.y, "training": held.new[self.hw.data(IMAGES).train_y]}
        found, counts = {}, {}
        for of, count in GLANCE.items():
            classes, _ = predicted(going, of, min(count, len(labels[of])), GLANCE_TIME)
            found[of], counts[of] = right(classes, labels[of]), len(classes)
        outcome.looks.append(Look(outcome.steps, found["test"], found["training"], counts["test"]))
        self.looked = outcome.steps
        self.learn_facts(going)
        due = len(outcome.looks) - self.judged >= JUDGE_AGAIN and not self.another_follows()
        if found["test"] >= self.settings["full"] and due:
            self.judged = len(outcome.looks)
            judge(self.hw, going, outcome)

    def another_follows(self) -> bool:
        """Whether the network is one to compare with: it has no convolution, but the code makes others that have."""
        plain = self.outcome.facts.get("convolves") is False
        return (
            plain
            and not any("Conv" in str(row) for row in self.outcome.fact("layers", list))
            and any("Conv" in cell.source for cell in self.student.cells)
        )

    @contextmanager
    def looking(self, going: Driven) -> Iterator[None]:
        """Count the CPU time of this block as the grader's own, not as part of the run's budget."""
        before = going.used()
        try:
            yield
        finally:
            self.outcome.looking += going.used() - before

    def learn_facts(self, going: Driven) -> None:
        self.outcome.facts = {**self.outcome.facts, **facts(going)}
        self.outcome.problems = left_out(self.hw, going.tell("problems"))

    def cleared(self) -> bool:
        return self.outcome.accuracy >= self.settings["full"]

    def learns(self) -> bool:
        """Decided at a look. A run that has not reached the notebook's claim goes on, unless it learned nothing."""
        outcome = self.outcome
        if outcome.pictures < self.settings["least"] or self.looked != outcome.steps:
            return True
        return outcome.learns() or (self.promised and max(look.test for look in outcome.looks) >= CHANCE)

    def judge(self, going: Driven) -> None:
        with self.looking(going):
            if not self.outcome.losses:
                self.learn_facts(going)
                return
            if self.outcome.end is not End.CLEARED:
                if self.looked != self.outcome.steps:
                    self.look(going)
                judge(self.hw, going, self.outcome)
                self.learn_facts(going)
            self.outcome.instead = dict(others(self.hw, going, self.outcome))

    def progress(self) -> str:
        outcome = self.outcome
        parts = [f"{outcome.steps} steps"]
        if outcome.losses:
            parts.append(f"loss {np.mean(outcome.losses[-50:]):.3f}")
        if outcome.looks:
            parts.append(f"test {outcome.looks[-1].test:.1%}")
        return ", ".join(parts)


def take(reply: Any, outcome: Outcome) -> bool:
    """Add a reply to the outcome and return whether training goes on. Raises Crashed for a malformed reply."""
    try:
        losses = np.asarray(reply["losses"])
        if losses.dtype.kind not in "biuf":
            raise TypeError("losses that are not numbers")
        losses = losses.astype(np.float64).reshape(-1)
        if len(outcome.losses) + len(losses) > MOST_STEPS:
            raise TypeError("more losses than there can be")
        outcome.losses += losses.tolist()
        outcome.epochs += reply["epoch"] is True
        return reply["ended"] is not True
    except MALFORMED:
        raise Crashed(f"{TRAINING} broke the grader's channel: its reply is malformed") from None


def judge(hw: Subject, going: Driven, outcome: Outcome) -> None:
    """Measure the accuracy on all test pictures, or on as many as the time allows."""
    if not outcome.losses:
        return
    test = held_out(hw)
    classes, sure = predicted(going, "test", len(test.y), JUDGE_TIME)
    if len(classes) >= min(SURE, len(test.y)):
        outcome.accuracy = right(classes, test.y)
        outcome.classes = np.argsort(test.new)[classes]  # in the public numbers, as reports show them
        outcome.probabilities, outcome.at = sure, test.at[: len(classes)]
        labels = test.new[hw.data(IMAGES).train_y]
        known, _ = predicted(going, "training", min(COMPARED, len(labels)), GLANCE_TIME)
        outcome.training = right(known, labels) if len(known) >= min(SURE, len(labels)) else 1.0


def others(hw: Subject, going: Driven, outcome: Outcome) -> Iterator[tuple[str, float]]:
    """The test accuracy of a network that learned something, "as it is"; if its parameters were as at the "start", or
    these "shuffled"; if the steps "by steps" of the optimizer alone had changed them; with "no filters" in its
    convolutions, or "mixed filters"; as it answers "in training"; and with parameters that are "nudged". All of the
    same pictures, so that they can be compared. What a network does not answer is left out."""
    if outcome.accuracy < hw.settings_of("5.1")["learned"]:
        return
    count = min(INSTEAD, len(held_out(hw).y))
    for which, asked in (
        ("as it is", True),
        ("start", True),
        ("shuffled", True),
        ("by steps", outcome.fact("written", bool)),
        ("no filters", outcome.fact("filters") > 0),
        ("mixed filters", outcome.fact("filters") > 0),
        ("in training", True),
        ("nudged", True),
    ):
        classes = predicted(going, "test", count, GLANCE_TIME, which)[0] if asked else np.zeros(0)
        if len(classes):
            yield which, right(classes, held_out(hw).y)


def right(classes: Array, labels: Array) -> float:
    """The accuracy of predictions for the first pictures."""
    return float((classes == labels[: len(classes)]).mean()) if len(classes) else 0.0


def predicted(going: Driven, of: str, count: int, seconds: float, *instead: str) -> tuple[Array, Array]:
    """Classes and probabilities of the first `count` pictures, with other parameters `instead`. Fewer are accepted if
    they took all the time by the grader's own clock, none if there is no network. Raises Crashed for anything else."""
    began = going.used()
    reply = going.tell("predict", of, count, seconds, *instead, seconds=2 * seconds, subject=ASKED)
    try:
        classes, sure = reply["classes"], reply["probabilities"]
        if classes.dtype != np.int64 or classes.ndim != 1 or sure.shape != classes.shape or len(classes) > count:
            raise TypeError
        if len(classes) and not 0 <= classes.min() <= classes.max() < CLASSES:
            raise ValueError
        if 0 < len(classes) < count and going.used() - began < PRESSED * seconds:
            raise ValueError
        return classes, sure.astype(np.float64)
    except MALFORMED:
        raise Crashed(f"{TRAINING} broke the grader's channel: expected {count} predictions") from None


def facts(going: Driven) -> Mapping[str, Any]:
    """What the driver saw of the network and the loop; if that fails, the reason."""
    try:
        found = going.tell("facts")
    except StudentError as error:
        return {"unfit": error.message}
    return bounded(found) if isinstance(found, dict) else {}


def bounded(value: Any) -> Any:
    """Plain values, cut to a length that fits a report. None for other values, and for ints too large for floats."""
    if type(value) is str:
        return value[:LONGEST]
    if isinstance(value, dict):
        pairs = islice(value.items(), MOST)
        return {name[:LONGEST]: bounded(part) for name, part in pairs if type(name) is str}
    if isinstance(value, list | tuple):
        return list(map(bounded, value[:MOST]))
    plain = type(value) in (bool, float) or (type(value) is int and abs(value) < 1 << 53)
    return value if plain else None


def learned(hw: Subject, outcome: Outcome) -> Outcome:
    """The outcome, if the run trained something. Raises the reason otherwise."""
    if outcome.error is not None and not outcome.looks:
        if isinstance(outcome.error, TimedOut):
            hw.review(f"{PART1} was stopped before it could be judged: {outcome.error.message}")
        raise explained(outcome.error)
    if not outcome.steps:
        but = f"; {told(outcome.problems[0])}" if outcome.problems else ""
        raise Mismatch(f"{PART1} trains nothing: when it is run, backward() is never called{but}")
    if outcome.at_first >= hw.settings_of("5.3")["partial"]:
        hw.review(f"at the first step the network already knows {outcome.at_first:.0%} of the test pictures; how?")
        raise Mismatch(
            f"{outcome.at_first:.0%} of the test pictures are right at the first step, so the network did not learn "
            "them here; a person will look"
        )
    return outcome


def explained(error: StudentError) -> StudentError:
    """An error of the run, with a hint if one is known. The stored error is not changed, so the hint is added once."""
    if isinstance(error, Raised) and "cannot be multiplied" in error.message:
        hint = "the input of this layer has another shape than the layer expects: print x.shape before it"
        return Raised(f"{error.message}; {hint}", where=error.where)
    return error


def near(hw: Subject, outcome: Outcome) -> bool:
    """Whether a run that was not cut misses the full bar by no more than `repeat` says."""
    missing = hw.settings["full"] - outcome.accuracy
    return loop.near(missing, hw.settings["repeat"]) and outcome.end in (End.FINISHED, End.STALLED)
