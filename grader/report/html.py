"""A Report as one HTML file without scripts or network access, readable in light and dark, on a phone and on paper."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.model import Report
from grader.report import wording
from grader.report.wording import Audience, presented

HERE = Path(__file__).parent


def render(report: Report, *, audience: Audience = "student", figures: bool = True) -> str:
    """The whole page. `figures=False` leaves out the plots, which saves importing matplotlib."""
    report = presented(report, audience)
    drawn: list[str] = []
    pictures = {}
    if figures:
        from grader.report import charts, plots

        drawn = plots.render(report)
        pictures = {
            check.name: [(charts.picture(given, f"{check.name}-{at}"), given) for at, given in enumerate(check.figures)]
            for check in report.checks
        }
    page: str = environment().get_template("report.html.j2").render(report=report, drawn=drawn, pictures=pictures)
    return page


@lru_cache
def environment(folder: Path = HERE) -> Any:
    """The templates in a folder. Autoescape is on; only our own style sheet and the drawn figures are marked safe."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    page = Environment(
        loader=FileSystemLoader(folder),
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
        "judged": wording.judged,
        "task_points": wording.task_points,
        "word": wording.WORD,
        "shape": wording.SHAPE,
        "holds": wording.holds,
        "css": (HERE / "report.css").read_text(encoding="utf-8"),
    }
    page.filters |= {name: getattr(wording, name) for name in ("points", "number", "duration", "mib", "harmless")}
    return page
