"""A report's figures as PNG, for places that show no SVG: a platform's page of results.

They are the drawings of plots.py and charts.py, on white, in colours of their own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from grader.model import CheckResult, Report
from grader.model import Figure as Picture
from grader.report import charts, panels, plots
from grader.report.panels import Panel, shown
from grader.report.plots import ACCENT, BAD, GOOD, INK, LINE, QUIET, blank
from grader.report.wording import harmless

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 90
ENLARGED = 3  # how many pixels a side of a small picture's pixel becomes
PAINT = {INK: "#1b1b1b", QUIET: "#666666", LINE: "#dddddd", GOOD: "#1a7f37", BAD: "#c0392b", ACCENT: "#3366cc"}
COLOURED = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture to show below a check; `png` is its file."""

    title: str
    caption: str
    png: bytes

    @property
    def url(self) -> str:
        return f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"


def of_check(check: CheckResult) -> tuple[Drawn, ...]:
    """What a check has drawn, without tables, which are text."""
    return tuple(
        Drawn(harmless(given.title), harmless(str(given.data.get("caption", ""))), png)
        for given in check.figures
        if given.kind in DRAWINGS
        for png in DRAWINGS[given.kind](given)
    )


def of_measures(report: Report) -> tuple[Drawn, ...]:
    """Every measured number of a report against its bar."""
    return tuple(Drawn(one.title, panels.describe(one), painted(figure(one))) for one in panels.panels(report))


def figure(panel: Panel) -> Figure:
    """As panels.drawn, by matplotlib."""
    rows = panels.ROW * len(panel.rows)
    width, height = panels.WIDTH, panels.HEAD + rows
    canvas = blank(width / 72, height / 72)
    below = panels.HEAD - panels.ABOVE
    draw(
        canvas.add_axes((panels.LEFT / width, below / height, (panels.RIGHT - panels.LEFT) / width, rows / height)),
        panel,
    )
    return canvas


def draw(axes: Axes, panel: Panel) -> None:
    """Draw passed measurements as dots, failed ones as crosses and bars as vertical strokes, over a grid.

    Labels and grid are plain texts and lines, because matplotlib's own ticks would take most of the time of a page.
    """
    from matplotlib.transforms import ScaledTranslation

    dots, below, ticks = panels.numbers(panel), len(panel.rows) - 0.5, panels.TICKS[panel.scale]
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(below, -0.5)
    axes.vlines([share for share, _ in ticks], -0.5, below, color=LINE, linewidth=0.6)
    axes.hlines(range(len(panel.rows)), 0, 1, color=LINE, linewidth=0.6)
    axes.plot(*columns(panels.bars(panel)), "|", color=ACCENT, markersize=11, markeredgewidth=2, clip_on=False)
    axes.plot(*columns([(x, y) for x, y, good in dots if good]), "o", color=GOOD, markersize=5, clip_on=False)
    axes.plot(
        *columns([(x, y) for x, y, good in dots if not good]), "X", color=BAD, markersize=7, markeredgewidth=0,
        clip_on=False,
    )  # fmt: skip
    beside, under = (  # a few points outside the panel, because dots may lie on its edges
        axes.transData + ScaledTranslation(x / 72, y / 72, axes.figure.dpi_scale_trans) for x, y in ((-7, 0), (0, -4))
    )
    told: dict[str, Any] = {"color": QUIET, "fontsize": 8, "parse_math": False}
    for y, row in enumerate(panel.rows):
        axes.text(0, y, shown(row.label), ha="right", va="center", transform=beside, **told)
    for share, name in ticks:
        axes.text(share, below, name, ha="center", va="top", transform=under, **told)
    axes.set_title(panel.title, loc="left", x=-0.8, y=1.0, fontsize=10, color=INK, parse_math=False)


def columns(places: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in places], [y for _, y in places]


def curves(given: Picture) -> Iterator[bytes]:
    yield painted(plots.loss_canvas(given))
    yield painted(plots.accuracy_canvas(given))


def weights(given: Picture) -> Iterator[bytes]:
    sheet, file = plots.weight_sheet(given), BytesIO()
    sheet.resize((sheet.width * ENLARGED, sheet.height * ENLARGED), resample=0).save(file, "PNG")
    yield file.getvalue()


def confusion(given: Picture) -> Iterator[bytes]:
    yield painted(charts.confusion_canvas(given))


def images(given: Picture) -> Iterator[bytes]:
    """The small pictures side by side, each above its label."""
    (width, height), cells = given.data["size"], list(zip(given.data["images"], given.data["labels"], strict=True))
    down = -(-len(cells) // charts.ACROSS) or 1
    canvas = blank(plots.WIDTH, 1.9 * down)
    canvas.subplots_adjust(top=0.98, bottom=0.25 / down, hspace=0.4)
    for at, (pixels, label) in enumerate(cells):
        axes = canvas.add_subplot(down, charts.ACROSS, at + 1)
        axes.imshow(charts.pixel_image(pixels, width, height), cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        words = "\n".join(map(shown, charts.lines(label)))
        axes.set_title(words, y=-0.05, va="top", fontsize=6, color=INK, parse_math=False)
    yield painted(canvas)


def bars(given: Picture) -> Iterator[bytes]:
    canvas = charts.bars_canvas(given)
    beside = canvas.add_axes((0.02, 0.08, 0.22, 0.9))
    beside.imshow(charts.pixel_image(given.data["image"], *given.data["size"]), cmap="gray", vmin=0, vmax=255)
    beside.set_axis_off()
    yield painted(canvas)


def painted(canvas: Figure) -> bytes:
    """The drawing as a PNG. Stand-ins for the page's colours become colours."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(canvas)
    for artist in canvas.findobj():
        for name in COLOURED:
            get, put = (getattr(artist, f"{verb}_{name}", None) for verb in ("get", "set"))
            colour = repaint(get()) if get and put else None
            if put and colour is not None:
                put(colour)
    file = BytesIO()
    canvas.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()


def repaint(colour: Any) -> Any:
    """The colour, or a collection's colours, with stand-ins replaced; None if there are no stand-ins."""
    from matplotlib.colors import to_hex, to_rgba_array

    try:
        found = [to_hex(one) for one in to_rgba_array(colour)]
    except (ValueError, TypeError):
        return None
    if not any(one in PAINT for one in found):
        return None
    new = [PAINT.get(one, one) for one in found]
    return new[0] if len(new) == 1 else new


DRAWINGS = {"curves": curves, "weights": weights, "confusion": confusion, "images": images, "bars": bars}
