"""The run loop of Tasks 4 and 5: for how long a network is trained, and why that ended.

A run goes on while it learns. Whether it learns is judged after steps that are counted, never after seconds, so that a
slow machine decides what a fast one decides. Only the `budget` is in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from grader.check import Subject
from grader.errors import Raised, StudentError, TimedOut
from grader.sandbox.remote import Driven
from grader.sandbox.session import PATIENCE

from .curves import falling

SLICE = 2.0  # CPU seconds between two lines of progress
SILENT = 60.0  # CPU seconds without a step: evaluating on the whole training set takes that on a slow machine
IDLE, BUSY = 10.0, 0.05  # a run that computes for less than this part of so many seconds is asleep
DOZES, AWAKE = 3.0, 0.5  # and one that was seen to wait for so many seconds, and for more than this part of them all
LOOKING = 0.05  # of the budget: the grader's own looks cost a run nothing up to there
THIRDS = 3


class End(StrEnum):
    """Why a run ended, as the end of a sentence."""

    CLEARED = "as soon as the bar was cleared"
    FINISHED = "where its own training ends"
    STALLED = "when it had stopped learning"
    BUDGET = "when its time was used up"
    ASLEEP = "because it waited rather than computed"
    DIVERGED = "when the loss was no number any more, or far too large"
    RAISED = "by an exception"


class Progress(Protocol):
    """What the loop writes into the outcome of a run. `cpu` are the CPU seconds of the student's code, `looking` those
    of the grader's own looks."""

    end: End
    cpu: float
    wall: float
    looking: float
    error: StudentError | None


class Learner(Protocol):
    """What a task adds to the loop: what is driven, and how it is judged."""

    @property
    def outcome(self) -> Progress:
        """What is known of the run so far."""

    def begin(self) -> Driven:
        """Bring the student's code to where it trains."""

    def advance(self, going: Driven, seconds: float, silent: float) -> bool:
        """Train for at most so many CPU seconds, take what is told, and look; whether training goes on.

        `silent` is how many CPU seconds may pass where no step is taken.
        """

    def cleared(self) -> bool:
        """Whether the bar is cleared."""

    def learns(self) -> bool:
        """Whether more training may help. It changes only after steps that are counted."""

    def judge(self, going: Driven) -> None:
        """Judge the network as it stands at the end of a run."""

    def progress(self) -> str:
        """A line for the terminal."""


def train(hw: Subject, learner: Learner, budget: float) -> None:
    """One run until its bar is cleared (unless `hw.full`), it stops learning, it ends, or its `budget` is used up.

    What the student's code raises is kept in the outcome's `error`.
    """
    outcome = learner.outcome
    try:
        follow(hw, learner.begin(), learner, budget)
    except StudentError as error:
        outcome.error, outcome.end = error, End.BUDGET if isinstance(error, TimedOut) else End.RAISED
    finally:
        hw.session.renew()  # its images, and student's code that may still be running, end with it


def follow(hw: Subject, going: Driven, learner: Learner, budget: float) -> None:
    """Let a run go on, a slice at a time, and judge it as it stands where it ends."""
    began, outcome = time.monotonic(), learner.outcome

    def note() -> None:
        free = min(outcome.looking, LOOKING * budget)
        outcome.cpu, outcome.wall = going.used() - free, time.monotonic() - began

    while True:
        note()
        left = min(budget - outcome.cpu, budget - outcome.wall / PATIENCE)
        if asleep(outcome, going.waited()):
            outcome.end = End.ASLEEP
            break
        if left <= 0:
            outcome.end = End.BUDGET
            break
        try:
            if not learner.advance(going, min(SLICE, left), min(SILENT, left)):
                break
        except Raised as error:
            outcome.error, outcome.end = error, End.RAISED
            break
        hw.progress(learner.progress())
        if not hw.full and learner.cleared():
            outcome.end = End.CLEARED
            break
        if not hw.full and not learner.learns():
            outcome.end = End.STALLED
            break
    note()
    learner.judge(going)


def asleep(outcome: Progress, waited: float) -> bool:
    """Whether a run waits rather than computes. One that a busy machine keeps from computing was not seen to wait."""
    dozes = waited > max(DOZES, AWAKE * outcome.wall)
    return dozes or (outcome.wall > IDLE and outcome.cpu < BUSY * outcome.wall)


def still_learns(losses: Sequence[float], accuracies: Sequence[float], *, overfits: bool) -> bool:
    """Whether a run may get better: the accuracy that it is judged by has risen in its last third, or its loss has
    fallen there. A loss that falls by overfitting is no sign. Before there are three accuracies, it may."""
    last = len(accuracies) // THIRDS
    rises = max(accuracies[-last:]) > max(accuracies[:-last]) if last else not overfits
    return rises or (not overfits and falling(losses, THIRDS))


Outcome = TypeVar("Outcome")


def better_of_two(
    first: Outcome, near: bool, again: Callable[[], Outcome], score: Callable[[Outcome], float]
) -> tuple[Outcome, Outcome | None]:
    """A run and, where it misses its bar `near`ly, a second one with another seed: the better one first.

    That is the whole rule: neither a far miss nor a cleared bar is tried again, and nothing is tried three times.
    """
    if not near:
        return first, None
    second = again()
    return (second, first) if score(second) > score(first) else (first, second)
