"""The pictures of a report, each drawn once, however often the report is written while it grows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from grader.model import Report
from grader.report import png
from grader.report.png import Drawn


class Album:
    def __init__(self) -> None:
        self.drawn: dict[str, tuple[Drawn, ...]] = {}

    def of(
        self, report: Report, *, without: Collection[str] = (), measures: bool = True
    ) -> dict[str, tuple[Drawn, ...]]:
        """By check; under "" every measurement against its bar, but for those of checks in `without`."""
        for check in report.checks:
            if check.figures and check.name not in self.drawn:
                self.drawn[check.name] = png.of_check(check)
        found = dict(self.drawn)
        if measures:
            found[""] = png.of_measures(shown(report, without))
        return found


def shown(report: Report, without: Collection[str]) -> Report:
    """The report without some checks."""
    return replace(
        report,
        tasks=tuple(
            replace(task, items=tuple(
                replace(item, checks=tuple(check for check in item.checks if check.name not in without))
                for item in task.items
            ))
            for task in report.tasks
        ),
    )  # fmt: skip
