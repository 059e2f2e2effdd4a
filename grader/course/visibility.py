"""When a student sees what a check says: at once, after the due date, or never."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from grader.model import Report, Rubric

Visibility = Literal["visible", "after_due", "hidden"]
Levels = Mapping[str, Visibility]
LEVELS: tuple[Visibility, ...] = ("visible", "after_due", "hidden")


def of_checks(rubric: Rubric) -> Levels:
    """By a check's name: what the rubric says of it or of its item, whichever shows less; only what is not visible."""
    found: dict[str, Visibility] = {}
    for item in (item for task in rubric.tasks for item in task.items):
        for plan in item.checks:
            said: list[Visibility] = [getattr(one, "visibility", None) or "visible" for one in (item, plan)]
            found[plan.name] = max(said, key=LEVELS.index)
    return {name: level for name, level in found.items() if level != "visible"}


def unseen(report: Report, rubric: Rubric) -> float:
    """Points of checks that the student does not see at once."""
    levels = of_checks(rubric)
    return math.fsum(check.points for check in report.checks if check.name in levels)


def seen(report: Report, rubric: Rubric) -> tuple[float, float]:
    """Points earned and possible in the checks that are visible and were judged."""
    levels = of_checks(rubric)
    shown = [check for check in report.checks if check.name not in levels and not check.waits]
    judged = [check for check in shown if check.verdict.value != "SKIPPED"]
    return math.fsum(check.earned for check in judged), math.fsum(check.points for check in judged)
