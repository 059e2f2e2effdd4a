"""The run loop that Tasks 4 and 5 share, with a learner that follows a script."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from grader.errors import Crashed, Raised, StudentError, TimedOut
from grader.homework.training import loop
from grader.homework.training.loop import End


class Learner:
    """Each step of the script is what `advance` does: raise an exception, or say whether training goes on."""

    def __init__(self, *script: Any, learned: int = 99, cleared: int = 99, looking: float = 0.0) -> None:
        self.script, self.learned, self.bar, self.cpu, self.own = list(script), learned, cleared, 0.0, looking
        self.outcome = SimpleNamespace(end=End.FINISHED, cpu=0.0, wall=0.0, looking=0.0, error=None)
        self.steps, self.given, self.judged = 0, [], 0

    def begin(self) -> Any:
        return SimpleNamespace(used=lambda: self.cpu, waited=lambda: 0.0, delayed=lambda: 0.0, answered=lambda: 0.0)

    def advance(self, going: Any, seconds: float, silent: float) -> bool:
        self.given.append((seconds, silent))
        step = self.script.pop(0) if self.script else True
        if isinstance(step, Exception):
            raise step
        self.cpu += seconds + self.own
        self.outcome.looking += self.own
        self.steps += 1
        return bool(step)

    def cleared(self) -> bool:
        return self.steps >= self.bar

    def learns(self) -> bool:
        return self.steps < self.learned

    def judge(self, going: Any) -> None:
        self.judged += 1

    def progress(self) -> str:
        return f"step {self.steps}"


def trained(learner: Learner, budget: float = 20.0, full: bool = False) -> Learner:
    lines: list[str] = []
    session = SimpleNamespace(renew=lambda: lines.append("renewed"))
    loop.train(SimpleNamespace(full=full, progress=lines.append, session=session), learner, budget)
    assert lines[-1] == "renewed"
    return learner


@pytest.mark.parametrize(
    ("learner", "full", "end", "steps"),
    [
        (Learner(cleared=3), False, End.CLEARED, 3),
        (Learner(cleared=3), True, End.BUDGET, 10),
        (Learner(learned=4), False, End.STALLED, 4),
        (Learner(learned=4), True, End.BUDGET, 10),
        (Learner(True, True, False), False, End.FINISHED, 3),
        (Learner(), False, End.BUDGET, 10),
        (Learner(True, Raised("boom")), False, End.RAISED, 1),
    ],
)
def test_a_run_ends_for_one_reason_and_is_judged_once_as_it_stands(learner, full, end, steps):
    trained(learner, full=full)
    assert (learner.outcome.end, learner.steps, learner.judged) == (end, steps, 1)
    assert learner.outcome.cpu == 2.0 * steps


@pytest.mark.parametrize(
    ("error", "end"), [(TimedOut("slow"), End.BUDGET), (Crashed("gone"), End.RAISED), (StudentError("x"), End.RAISED)]
)
def test_a_process_that_is_gone_cannot_be_judged(error, end):
    learner = trained(Learner(True, error))
    assert (learner.outcome.end, learner.outcome.error, learner.judged) == (end, error, 0)


def test_silence_within_the_budget_is_no_hang():
    learner = trained(Learner(), budget=100.0)
    assert learner.given[0] == (loop.SLICE, loop.SILENT)
    assert learner.given[-1] == (2.0, 2.0)  # no more than is left


def test_what_the_grader_looks_at_is_free_up_to_a_part_of_the_budget():
    assert trained(Learner(looking=0.02)).steps == 10
    assert trained(Learner(looking=2.0)).steps == 6


def test_one_that_waits_rather_than_computes_is_asleep(monkeypatch):
    clock = iter(range(0, 1000, 50))
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))
    learner = Learner()
    learner.begin = lambda: SimpleNamespace(
        used=lambda: 0.0, waited=lambda: 0.0, delayed=lambda: 0.0, answered=lambda: 0.0
    )
    assert trained(learner, budget=1000.0).outcome.end is End.ASLEEP


def test_one_that_a_busy_machine_keeps_from_computing_is_not_asleep(monkeypatch):
    clock = iter(range(0, 1000, 50))
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))
    learner = Learner()
    learner.begin = lambda: SimpleNamespace(
        used=lambda: 0.0, waited=lambda: 0.0, delayed=lambda: 1000.0, answered=lambda: 0.0
    )
    assert trained(learner, budget=100.0).outcome.end is End.BUDGET


FALLING = [2.0] * 10 + [1.5] * 10 + [1.0] * 10


@pytest.mark.parametrize(
    ("losses", "accuracies", "overfits", "learns"),
    [
        ([1.0] * 30, [0.1, 0.2, 0.3], False, True),
        ([1.0] * 30, [0.1, 0.3, 0.3], False, False),
        ([1.0] * 30, [0.1, 0.3, 0.3, 0.2, 0.2, 0.4], True, True),
        (FALLING, [0.1, 0.3, 0.3], False, True),
        (FALLING, [0.1, 0.3, 0.3], True, False),
        ([1.0] * 30, [0.1], False, True),
        (FALLING, [0.1], True, False),
        ([float("nan")] * 30, [0.1, 0.1, 0.1], False, False),
    ],
)
def test_what_rises_or_falls_still_learns_and_what_overfits_does_not(losses, accuracies, overfits, learns):
    assert loop.still_learns(losses, accuracies, overfits=overfits) is learns


@pytest.mark.parametrize(
    ("wall", "cpu", "waited", "asleep"),
    [
        (4.0, 0.3, 3.7, True),  # 7 % of a core
        (4.0, 0.3, 0.0, False),  # a busy machine leaves it as much, and it is never seen to wait
        (40.0, 1.0, 0.0, True),  # where the system does not tell who waits
        (4.0, 2.5, 1.5, False),
        (100.0, 45.0, 52.0, True),
        (100.0, 70.0, 30.0, False),
    ],
)
def test_a_run_that_dozes_ends_early_and_one_that_gets_no_processor_does_not(wall, cpu, waited, asleep):
    assert loop.asleep(SimpleNamespace(wall=wall, cpu=cpu), waited) is asleep


def test_a_run_that_asks_for_each_step_is_not_asleep() -> None:
    slow = SimpleNamespace(wall=loop.IDLE + 30, cpu=0.1)
    assert loop.asleep(slow, 0.0)
    assert not loop.asleep(slow, 0.0, asks=True)
    assert not loop.asleep(slow, 0.0, loop.BUSY * slow.wall)  # a busy machine kept it from computing
    assert loop.asleep(slow, loop.IDLE + 30, asks=True)  # one that waits of its own accord is
