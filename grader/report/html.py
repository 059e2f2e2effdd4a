"""A Report as one HTML file without scripts or network access, readable in light and dark, on a phone and on paper."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from grader.model import Report
from grader.report import wording
from grader.report.audience import Audience, presented

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Drawn:
    """Figures as markup: `panels` of all that was measured, and what each check draws, by its name; "" stands for one
    that cannot be drawn."""

    panels: tuple[str, ...] = ()
    pictures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def draw(report: Report) -> Drawn:
    """Every figure of a report. One that cannot be drawn costs itself alone."""
    from grader.report import charts, panels

    measured = [attempted(partial(panels.drawn, panel, at)) for at, panel in enumerate(panels.panels(report))]
    pictures = {
        check.name: tuple(
            attempted(partial(charts.picture, given, f"{check.name}-{at}")) for at, given in enumerate(check.figures)
        )
        for check in report.checks
        if check.figures
    }
    return Drawn(tuple(filter(None, measured)), pictures)


def attempted(drawing: Callable[[], str]) -> str:
    """The markup; "" if a student's numbers cannot be drawn."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that overflow on the way to a pixel
            return drawing()
    except Exception:  # a library raises anything for numbers that it was not made for
        return ""


def undrawn(report: Report) -> Drawn:
    """As `draw`, where nothing can be drawn."""
    return Drawn(pictures={check.name: ("",) * len(check.figures) for check in report.checks})


def render(
    report: Report,
    *,
    audience: Audience = "student",
    figures: bool = True,
    draw: Callable[[Report], Drawn] = draw,
) -> str:
    """The whole page. `draw` makes the figures. `figures=False` leaves them out, which saves importing matplotlib."""
    report = presented(report, audience)
    drawn = draw(report) if figures else Drawn()
    pictures = {
        check.name: list(zip(drawn.pictures.get(check.name, ()), check.figures, strict=False))
        for check in report.checks
    }
    page: str = (
        environment().get_template("report.html.j2").render(report=report, drawn=drawn.panels, pictures=pictures)
    )
    return page


@lru_cache
def environment(*folders: Path) -> Any:
    """The templates in these folders, a report's if none is given.

    Autoescape is on; only our own style sheet and the drawn figures are marked safe.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    page = Environment(
        loader=FileSystemLoader(folders or HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page.globals |= {
        "headline": wording.headline,
        "undecided": wording.undecided,
        "account": wording.account,
        "by_hand": wording.by_hand,
        "commented": wording.commented,
        "judged": wording.judged,
        "task_points": wording.task_points,
        "word": wording.WORD,
        "shape": wording.SHAPE,
        "broke": wording.BROKE,
        "telling": wording.telling,
        "css": (HERE / "report.css").read_text(encoding="utf-8"),
    }
    page.filters |= {
        name: getattr(wording, name) for name in ("points", "wait", "number", "duration", "mib", "harmless")
    }
    return page
