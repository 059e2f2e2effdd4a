"""A tiny homework with checks that end in known ways, and one submission."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grader.errors import Mismatch
from grader.model import (
    Check,
    CheckPlan,
    Homework,
    Item,
    Limits,
    Measure,
    Rubric,
    Section,
    Submission,
    Task,
)
from grader.reference import Live

SECTION = Section("numpy", {"functions": "backprop/functions.py"}, ("functions.py",))


def right(hw: Any, rng: Any) -> None:
    """It answers."""
    hw.measure(Measure("f", abs(hw.functions.f(2) - 4), hw.tolerance))
    hw.advise("say it shorter")


def half(hw: Any, rng: Any) -> float:
    """It earns a half."""
    return 0.5


def wrong(hw: Any, rng: Any) -> None:
    """It is wrong."""
    raise Mismatch("off by 2", where="functions.py:3")


def broken(hw: Any, rng: Any) -> None:
    """Our own fault."""
    raise KeyError("ours")


def drawing(hw: Any, rng: Any) -> None:
    """It draws."""
    hw.measure(Measure("draw", float(rng.random()), 1.0))


def homework(tmp_path: Path, *functions: Any, skipped: bool = False) -> Homework:
    items = [
        Item("1.1", "One", 6, tuple(CheckPlan(f.__name__, 6 / len(functions)) for f in functions), {"tolerance": 1e-9})
    ]
    if skipped:
        items.append(Item("1.2", "Two", 4, (), skipped="not yet"))
    rubric = Rubric("Tiny", (SECTION,), (Task("1", "Task", "numpy", tuple(items)),), Limits(), "d")
    checks = {f.__name__: Check(f.__name__, "1.1", f.__doc__, f) for f in functions}
    for name in ("reference", "fixtures"):
        (tmp_path / name).mkdir(exist_ok=True)
    return Homework(tmp_path, rubric, checks, {}, tmp_path / "reference", tmp_path / "fixtures", answers=Live({}))


SUBMISSION = Submission(
    "ada", {"functions.py": b"def f(x):\n    print('in f')\n    return 2 * x\n"}, {}, "digest", ("a note",)
)


def verdicts(report):
    return {check.name: check.verdict for task in report.tasks for item in task.items for check in item.checks}
