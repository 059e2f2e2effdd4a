"""When a student sees what a check says: at once, after the due date, or never."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from grader.model import CheckResult, ItemResult, Report, Rubric, total

Levels = Mapping[str, str]


def of_checks(rubric: Rubric) -> Levels:
    """By a check's name: what the rubric says of it, where that is not "visible"."""
    plans = (plan for item in rubric.items for plan in item.checks)
    return {plan.name: plan.visibility for plan in plans if plan.visibility != "visible"}


def unseen(report: Report, rubric: Rubric) -> float:
    """Points of checks that the student does not see at once."""
    levels = of_checks(rubric)
    return math.fsum(check.points for check in report.checks if check.name in levels)


def shown(report: Report, rubric: Rubric) -> Report:
    """The report with only the checks that the student sees at once, their points, and questions on them."""
    levels = of_checks(rubric)
    tasks = (
        replace(task, items=tuple(of(item, checks) for item in task.items if (checks := visible(item, levels))))
        for task in report.tasks
    )
    return replace(
        report,
        tasks=tuple(task for task in tasks if task.items),
        needs_review=tuple(one for one in report.needs_review if not any(name in one for name in levels)),
    )


def visible(item: ItemResult, levels: Levels) -> tuple[CheckResult, ...]:
    return tuple(check for check in item.checks if check.name not in levels)


def of(item: ItemResult, checks: Sequence[CheckResult]) -> ItemResult:
    """The item, made of some of its checks alone."""
    if len(checks) == len(item.checks):
        return item
    return ItemResult.of(item.id, item.title, total(check.points for check in checks), checks)
