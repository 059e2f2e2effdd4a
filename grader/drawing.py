"""A report's page, with the figures drawn by a reader (sandbox/reader.py). Their numbers come from a student: if they
break a drawing, the page has no figures, and no result is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from grader.errors import StudentError
from grader.model import Limits, Report
from grader.report import (
    charts,  # noqa: F401 - here, and not in every reader
    html,
    panels,  # noqa: F401
    plots,
)
from grader.report.audience import Audience
from grader.report.html import Drawn
from grader.sandbox import reader

Made = TypeVar("Made")
LIMITS = Limits(read_cpu=30)


def page(report: Report, *, audience: Audience = "student") -> str:
    """The whole page."""
    return html.render(report, audience=audience, draw=drawn_apart)


def drawn_apart(report: Report) -> Drawn:
    """As html.draw; over its limits, no figure is drawn. Raises ReaderFault for a fault of ours."""
    pictures = any(one.kind != "table" for check in report.checks for one in check.figures)
    return apart(html.draw, report, lambda: html.undrawn(report), library=pictures)


def apart(draw: Callable[..., Made], given: Any, undrawn: Callable[[], Made], *, library: bool = True) -> Made:
    """What `draw` gives, in a reader; over its limits, what `undrawn` gives. `library` tells that it needs matplotlib,
    which is imported once, here."""
    if library:
        plots.load_library()
    try:
        return reader.read(draw, given, limits=LIMITS, about="the figures")
    except StudentError:
        return undrawn()
