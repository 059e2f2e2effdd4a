"""The report's one figure: every measured number against its bar, as SVG for the middle of an HTML page.

matplotlib is imported only when something is drawn: it costs more than the rest of the report. Row labels may hold a
student's own names, so nothing here is parsed as math and nothing depends on which glyphs a font has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from grader.model import Measure, Report
from grader.report.wording import checks, harmless, holds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW, HEAD = 7.2, 0.2, 0.75  # inches: the figure, one row, and what a panel needs above and below its rows
LABEL = 44  # characters of a row's label
FLOOR, CEILING = 1e-17, 1e3  # an error of 0 is drawn at the floor; one that is not finite, at the right edge

# Stand-ins in the drawing for the page's colours, which differ between light and dark.
COLOURS = {"#010101": "var(--ink)", "#020202": "var(--quiet)", "#030303": "var(--line)", "#040404": "var(--good)",
           "#050505": "var(--bad)", "#060606": "var(--accent)"}  # fmt: skip
INK, QUIET, LINE, GOOD, BAD, ACCENT = COLOURS

# What tells two runs of one measurement apart: shapes, sizes and settings behind a comma. They share a row.
_RUN = re.compile(r"\s*\([\d, ]*\)|, \w+=[\w.+-]+")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a panel: a quantity of one check, measured once or more often."""

    label: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    rows: tuple[Row, ...]
    log: bool = True


def render(report: Report) -> str:
    """An <svg> element, or "" when nothing was measured. Its colours are the page's variables; its text is text."""
    drawn = panels(report)
    return svg(figure(drawn), describe(drawn)) if drawn else ""


def panels(report: Report) -> tuple[Panel, ...]:
    """Gradient errors, other errors, accuracies; an empty one is left out."""
    kinds: dict[str, dict[tuple[str, str], list[Measure]]] = {"gradient": {}, "forward": {}, "accuracy": {}}
    for item, check in checks(report):
        for measure in check.measures:
            label = f"{item.id} {_RUN.sub('', harmless(measure.name))}"
            kinds[kind(measure)].setdefault((check.name, label), []).append(measure)
    titles = {"gradient": "Gradient errors", "forward": "Forward errors", "accuracy": "Accuracies"}
    return tuple(
        Panel(titles[name], tuple(Row(label, tuple(all_)) for (_, label), all_ in rows.items()), name != "accuracy")
        for name, rows in kinds.items()
        if rows
    )


def kind(measure: Measure) -> str:
    return "accuracy" if measure.at_least else "gradient" if "grad" in measure.name.lower() else "forward"


def describe(drawn: Iterable[Panel]) -> str:
    """The figure in words, for those who do not see it."""
    parts = []
    for panel in drawn:
        measures = [measure for row in panel.rows for measure in row.measures]
        parts.append(f"{panel.title}: {sum(map(holds, measures))} of {len(measures)} are on the right side of the bar.")
    return " ".join(parts)


def figure(drawn: Sequence[Panel]) -> Figure:
    """All panels in one figure, one above the other, rows equally high in all of them."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    height = sum(HEAD + ROW * len(panel.rows) for panel in drawn)
    canvas = Figure(figsize=(WIDTH, height))
    FigureCanvasSVG(canvas)
    top = height
    for panel in drawn:
        rows = ROW * len(panel.rows)
        bottom = top - 0.35 - rows
        draw(canvas.add_axes((0.44, bottom / height, 0.54, rows / height)), panel)
        top -= HEAD + rows
    return canvas


def draw(axes: Axes, panel: Panel) -> None:
    """Three artists per panel: what holds as dots, what does not as crosses, the bars as upright strokes."""
    axes.set_title(panel.title, loc="left", x=-0.8, fontsize=10, color=INK, parse_math=False)
    dots = [(position(m.value, panel), y, holds(m)) for y, row in enumerate(panel.rows) for m in row.measures]
    bars = sorted({(position(m.bound, panel), y) for y, row in enumerate(panel.rows) for m in row.measures})
    axes.plot(*columns(bars), "|", color=ACCENT, markersize=11, markeredgewidth=2, clip_on=False)
    axes.plot(*columns([(x, y) for x, y, good in dots if good]), "o", color=GOOD, markersize=5, clip_on=False)
    axes.plot(
        *columns([(x, y) for x, y, good in dots if not good]), "X", color=BAD, markersize=7, markeredgewidth=0,
        clip_on=False,
    )  # fmt: skip
    axes.set_ylim(len(panel.rows) - 0.5, -0.5)
    axes.set_yticks(range(len(panel.rows)), [shown(row.label) for row in panel.rows], parse_math=False)
    ticks = range(-16, 1, 4) if panel.log else range(0, 101, 25)
    axes.set_xlim((-17, 3) if panel.log else (0, 100))
    names = [f"1e{tick}" if tick else "1" for tick in ticks] if panel.log else [f"{tick} %" for tick in ticks]
    axes.set_xticks(list(ticks), names, parse_math=False)
    axes.tick_params(colors=QUIET, labelsize=8, length=0)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_frame_on(False)
    axes.set_axisbelow(True)


def position(value: float, panel: Panel) -> float:
    """Where a number lies: its power of ten, kept inside the panel; or percent. nan and inf lie at the far edge."""
    if not panel.log:
        return 100 * min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
    return math.log10(min(max(value, FLOOR), CEILING)) if math.isfinite(value) else math.log10(CEILING)


def columns(places: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in places], [y for _, y in places]


def shown(label: str) -> str:
    """A label in characters that matplotlib's own font has, so that laying it out never warns."""
    label = label.encode("latin-1", "replace").decode("latin-1")
    return label if len(label) <= LABEL else label[: LABEL - 3] + "..."


def svg(canvas: Figure, description: str) -> str:
    """The figure as one deterministic <svg>: no prolog, no metadata, no style of its own, ids that clash with none."""
    import matplotlib

    page = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "backgrade"}):
        canvas.savefig(page, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style [^>]*>.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", lambda tag: retold(tag[0]), text)  # tags only: a label stays as it is
    title = f'<title id="plot-title">Every measurement against its bar</title><desc id="plot-desc">{description}</desc>'
    opening, rest = text.split(">", 1)
    opening = re.sub(r' (width|height|version|xmlns(:\w+)?)="[^"]*"', "", opening)
    return f'{opening} role="img" aria-labelledby="plot-title plot-desc">{title}{rest}'


def retold(tag: str) -> str:
    """A tag with prefixed ids, the page's fonts and the page's colours."""
    tag = re.sub(r'\bid="', 'id="plot-', tag)
    tag = re.sub(r'xlink:href="#', 'href="#plot-', tag).replace("url(#", "url(#plot-")
    tag = re.sub(r"font-family: [^;\"]*; ", "", tag)
    for stand_in, colour in COLOURS.items():
        tag = tag.replace(stand_in, colour)
    return tag
