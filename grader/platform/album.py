"""The pictures of a report. Each is drawn once, though the report is written again and again while it grows."""

from __future__ import annotations

from grader.drawing import apart
from grader.model import Report
from grader.report import png
from grader.report.png import Drawn


class Album:
    def __init__(self) -> None:
        self.drawn: dict[str, tuple[Drawn, ...]] = {}

    def of(self, report: Report, seen: Report | None = None) -> dict[str, tuple[Drawn, ...]]:
        """The pictures of each check, by its name. With `seen`, the name "" has those of all measurements in that
        report, each with its bar."""
        for check in report.checks:
            if check.figures and check.name not in self.drawn:
                self.drawn[check.name] = apart(png.of_check, check, tuple)
        return self.drawn | ({"": apart(png.of_measures, seen, tuple)} if seen else {})
