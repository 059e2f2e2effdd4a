"""The run loop of Tasks 4 and 5: decides how long a network is trained, and records why training ended.

A run goes on while it learns. Whether it learns is judged after a number of steps, not of seconds, so that slow and
fast machines decide alike. Only the `budget` is in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from grader.check import Subject
from grader.errors import Raised, StudentError, TimedOut
from grader.sandbox.driven import Driven
from grader.sandbox.session import PATIENCE

from .curves import falling

SLICE = 2.0  # CPU seconds between two lines of progress
SILENT = 60.0  # CPU seconds allowed without a step: a slow machine needs them to evaluate on the whole training set
IDLE, BUSY = 10.0, 0.05  # after IDLE seconds on the clock, a run that computed for less than this share is asleep
DOZES, AWAKE = 3.0, 0.5  # so is a run that was seen to wait for DOZES seconds, and for this share of its time
LOOKING = 0.05  # share of the budget up to which the grader's own measurements are not charged to the run
THIRDS = 3


class End(StrEnum):
    """Why a run ended, as the end of a sentence."""

    CLEARED = "as soon as the bar was cleared"
    FINISHED = "where its own training ends"
    STALLED = "when it had stopped learning"
    BUDGET = "when its time was used up"
    ASLEEP = "because it waited instead of computing"
    DIVERGED = "when the loss was NaN, infinite or far too large"
    RAISED = "by an exception"


class Progress(Protocol):
    """The part of a run's outcome that the loop fills in. `cpu` are the CPU seconds of the student's code, `looking`
    those of the grader's own measurements."""

    end: End
    cpu: float
    wall: float
    looking: float
    error: StudentError | None


class Learner(Protocol):
    """What a task adds to the loop: how to train, and how to judge."""

    @property
    def outcome(self) -> Progress:
        """What is known about the run so far."""

    def begin(self) -> Driven:
        """Start the student's code, up to its training."""

    def advance(self, going: Driven, seconds: float, silent: float) -> bool:
        """Train for at most `seconds` of CPU, record the reply and measure. Return whether training goes on.

        `silent` is how many CPU seconds may pass without a step.
        """

    def cleared(self) -> bool:
        """Whether the bar is cleared."""

    def learns(self) -> bool:
        """Whether more training may help. The answer depends on steps, never on seconds."""

    def judge(self, going: Driven) -> None:
        """Judge the network in its state at the end of a run."""

    def progress(self) -> str:
        """A line for the terminal."""


def train(hw: Subject, learner: Learner, budget: float) -> None:
    """One run until its bar is cleared (unless `hw.full`), it stops learning, it ends, or its `budget` is used up.

    An error of the student's code is stored in the outcome's `error`.
    """
    outcome = learner.outcome
    try:
        follow(hw, learner.begin(), learner, budget)
    except StudentError as error:
        outcome.error, outcome.end = error, End.BUDGET if isinstance(error, TimedOut) else End.RAISED
    finally:
        hw.session.renew()  # ends student's code that may still be running, and frees the images


def follow(hw: Subject, going: Driven, learner: Learner, budget: float) -> None:
    """Let a run go on, one slice at a time, and judge the network where it ends."""
    began, outcome = time.monotonic(), learner.outcome

    def note() -> None:
        free = min(outcome.looking, LOOKING * budget)
        outcome.cpu, outcome.wall = going.used() - free, time.monotonic() - began - going.answered()

    while True:
        note()
        left = min(budget - outcome.cpu, budget - outcome.wall / PATIENCE)
        if asleep(outcome, going.waited(), going.delayed(), asks=going.answered() > 0):
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


def asleep(outcome: Progress, waited: float, delayed: float = 0.0, *, asks: bool = False) -> bool:
    """Whether a run waits rather than computes. One that a busy machine keeps from computing was not seen to wait, and
    was `delayed`; one that asks the grader for each step has it compute."""
    dozes = waited > max(DOZES, AWAKE * outcome.wall)
    return dozes or (not asks and outcome.wall > IDLE and outcome.cpu + delayed < BUSY * outcome.wall)


def still_learns(losses: Sequence[float], accuracies: Sequence[float], *, overfits: bool) -> bool:
    """Whether a run may get better: in its last third, the judged accuracy rose or the loss fell. If it overfits, a
    falling loss does not count. With fewer than three accuracies, only overfitting says no."""
    last = len(accuracies) // THIRDS
    rises = max(accuracies[-last:]) > max(accuracies[:-last]) if last else not overfits
    return rises or (not overfits and falling(losses, THIRDS))


def near(missing: float, most: float) -> bool:
    """Whether a run falls short of its bar, by at most so much."""
    return 0 < missing <= most + 1e-9


Outcome = TypeVar("Outcome")


def better_of_two(
    first: Outcome, near: bool, again: Callable[[], Outcome], score: Callable[[Outcome], float]
) -> tuple[Outcome, Outcome | None]:
    """The run, and a second one with another seed if the first is `near` below its bar; the better one comes first.

    A run that misses by more, or clears its bar, is not repeated, and nothing is tried three times. So right work falls
    short only where two seeds do; tests/benchmarks/bars.py measures how often one does.
    """
    if not near:
        return first, None
    second = again()
    return (second, first) if score(second) > score(first) else (first, second)
