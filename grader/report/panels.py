"""Every measured number of a report with its bar, as inline SVG.

Drawn without matplotlib, which takes longer to import than all checks of a small task take to run.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from html import escape

from grader.model import Measure, Report
from grader.report.wording import checks, harmless

WIDTH, ROW, HEAD = 518.4, 14.4, 54.0  # points: the figure, one row, and the space above and below a panel's rows
ABOVE, LEFT, RIGHT = 25.2, 0.44 * 518.4, 0.96 * 518.4  # where the rows begin, and the sides of the grid
TICKS = {  # of a scale -> where they lie, as a share of the grid's width, and their names
    "powers": [((power + 17) / 20, f"1e{power}" if power else "1") for power in range(-16, 1, 4)],
    "percent": [(percent / 100, f"{percent} %") for percent in range(0, 101, 25)],
    "own": [],
}
MARGIN = 0.1  # of the grid's width beside the numbers of a row that has a scale of its own
ROWS = 40  # rows of a panel: they fit on a page of paper
LABEL = 44  # characters of a row's label
FLOOR, CEILING = 1e-17, 1e3  # an error of 0 is drawn at the floor; one that is not finite, at the right edge

# A name up to its shapes and circumstances, as in "grad_x (N=4, Din=5), asked again" or "loss, w (3, 5), reg=0.7".
# Measurements of one quantity share a row. What stands in [] is a part of the name.
QUANTITY = re.compile(r"(?:\[[^\]]*\]|(?! ?\(|, ).)+")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a panel: a quantity of a check, with one or more measurements."""

    label: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    """Rows of one scale: powers of ten, percent, or each row's own, from its least number to its largest."""

    title: str
    rows: tuple[Row, ...]
    scale: str = "powers"


def panels(report: Report) -> tuple[Panel, ...]:
    """Panels of gradient errors, other errors, shares that have to reach their bar, and other numbers. Empty ones are
    left out; long ones are split."""
    kinds: dict[str, dict[tuple[str, str], list[Measure]]] = {"gradient": {}, "error": {}, "share": {}, "number": {}}
    for item, check in checks(report):
        for measure in check.measures:
            quantity = QUANTITY.match(name := harmless(measure.name))
            label = f"{item.id} {quantity[0] if quantity else name}"
            kinds[kind(measure)].setdefault((check.name, label), []).append(measure)
    titles = {
        "gradient": ("Gradient errors", "powers"),
        "error": ("Other errors" if kinds["gradient"] else "Errors", "powers"),
        "share": ("Numbers that must reach their bars", "percent"),
        "number": ("Other numbers, each row on its own scale", "own"),
    }
    drawn = []
    for name, found in kinds.items():
        rows, (title, scale) = [Row(label, tuple(all_)) for (_, label), all_ in found.items()], titles[name]
        for start in range(0, len(rows), ROWS):
            full = f"{title}, continued" if start else title
            drawn.append(Panel(full, tuple(rows[start : start + ROWS]), scale))
    return tuple(drawn)


def kind(measure: Measure) -> str:
    if not 0 <= measure.bound <= 1:
        return "number"
    return "share" if measure.at_least else "gradient" if "grad" in measure.name.lower() else "error"


def describe(panel: Panel) -> str:
    """A panel in words, for screen readers."""
    measures = [measure for row in panel.rows for measure in row.measures]
    return f"{sum(measure.holds for measure in measures)} of {len(measures)} are on the right side of the bar."


def drawn(panel: Panel, at: int) -> str:
    """An <svg> element: dots for what holds, crosses for what does not, bars as vertical strokes, over a grid. It uses
    the page's colour variables."""
    marks = [(place(share), y, good) for share, y, good in numbers(panel)]
    strokes = [(place(share), y) for share, y in bars(panel)]
    below, prefix = ABOVE + ROW * len(panel.rows), f"plot{at}"
    steps = [(place(share), name) for share, name in TICKS[panel.scale]]
    parts = [
        f'<svg viewBox="0 0 {WIDTH:g} {HEAD + ROW * len(panel.rows):g}" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-desc"><title id="{prefix}-title">{escape(panel.title)}</title>'
        f'<desc id="{prefix}-desc">{escape(describe(panel))}</desc>',
        stroke("line", 0.6, "".join(f"M{x:.1f} {ABOVE:g}V{below:g}" for x, _ in steps)
               + "".join(f"M{LEFT:.1f} {centre(y)}H{RIGHT:.1f}" for y in range(len(panel.rows)))),
        stroke("accent", 2, "".join(f"M{x:.1f} {centre(y)}m0 -5.5v11" for x, y in strokes)),
        stroke("good", 6, "".join(f"M{x:.1f} {centre(y)}h0" for x, y, good in marks if good), cap="round"),
        stroke("bad", 2.2, "".join(f"M{x:.1f} {centre(y)}m-3 -3l6 6m0 -6l-6 6" for x, y, good in marks if not good)),
        f'<text x="12.4" y="{ABOVE - 6:g}" font-size="10" fill="var(--ink)">{escape(panel.title)}</text>',
        f'<g font-size="8" fill="var(--quiet)" text-anchor="end">{"".join(labels(panel))}</g>',
        '<g font-size="8" fill="var(--quiet)" text-anchor="middle">'
        + "".join(f'<text x="{x:.1f}" y="{below + 12:g}">{name}</text>' for x, name in steps),
        "</g></svg>",
    ]  # fmt: skip
    return "".join(parts)


def labels(panel: Panel) -> list[str]:
    texts = (escape(shown(row.label)) for row in panel.rows)
    return [f'<text x="{LEFT - 7:.1f}" y="{centre(y, 2.8)}">{text}</text>' for y, text in enumerate(texts)]


def stroke(colour: str, width: float, path: str, cap: str = "butt") -> str:
    drawn = f'<path d="{path}" fill="none" stroke="var(--{colour})" stroke-width="{width}" stroke-linecap="{cap}"/>'
    return drawn if path else ""


def centre(y: int, lower: float = 0.0) -> str:
    """The middle of a row, or a little `lower`."""
    return f"{ABOVE + ROW * (y + 0.5) + lower:.1f}"


def numbers(panel: Panel) -> list[tuple[float, int, bool]]:
    """Each number of a panel: its place as a share of the grid's width, its row, and whether it holds."""
    return [(position(m.value, m, row, panel), y, m.holds) for y, row in enumerate(panel.rows) for m in row.measures]


def bars(panel: Panel) -> list[tuple[float, int]]:
    """The bars of a panel: place and row."""
    return sorted({(position(m.bound, m, row, panel), y) for y, row in enumerate(panel.rows) for m in row.measures})


def place(share: float) -> float:
    """The x position of a share of the grid's width."""
    return LEFT + (RIGHT - LEFT) * share


def position(value: float, measure: Measure, row: Row, panel: Panel) -> float:
    """Where a number of a measure lies, as a share of the grid's width. What is outside of the scale lies at its edge,
    and what is not finite at the bad edge."""
    if not math.isfinite(value):
        return 0.0 if measure.at_least else 1.0
    if panel.scale == "powers":
        return (math.log10(min(max(value, FLOOR), CEILING)) + 17) / 20
    if panel.scale == "percent":
        return min(max(value, 0.0), 1.0)
    there = [one for m in row.measures for one in (m.value, m.bound) if math.isfinite(one)]
    least, most = min(there), max(there)
    return MARGIN + (1 - 2 * MARGIN) * ((value - least) / (most - least) if 0 < most - least < math.inf else 0.5)


def shown(label: str) -> str:
    """A label, cut to length, with only characters that every font has; matplotlib warns of others."""
    label = label.encode("latin-1", "replace").decode("latin-1")
    return label if len(label) <= LABEL else label[: LABEL - 3] + "..."
