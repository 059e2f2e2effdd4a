"""The pictures of a report, each drawn once, however often the report is written while it grows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grader.errors import StudentError
from grader.model import Limits, Report
from grader.report import plots, png
from grader.report.png import Drawn
from grader.sandbox import reader

LIMITS = Limits(read_cpu=30)


class Album:
    def __init__(self) -> None:
        self.drawn: dict[str, tuple[Drawn, ...]] = {}

    def of(self, report: Report, seen: Report | None = None) -> dict[str, tuple[Drawn, ...]]:
        """By check; with `seen`, under "" every measurement in that report against its bar."""
        for check in report.checks:
            if check.figures and check.name not in self.drawn:
                self.drawn[check.name] = drawn_apart(png.of_check, check)
        return self.drawn | ({"": drawn_apart(png.of_measures, seen)} if seen else {})


def drawn_apart(draw: Callable[..., tuple[Drawn, ...]], given: Any) -> tuple[Drawn, ...]:
    """As `draw`, in a reader: what cannot be drawn within its limits costs these pictures alone."""
    plots.load_library()
    try:
        return reader.read(draw, given, limits=LIMITS, about="the figures")
    except StudentError:
        return ()
