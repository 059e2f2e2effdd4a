"""A report's figures as PNG, for places that show no SVG: a platform's page of results.

They are the drawings of plots.py and charts.py, on white, in colours of their own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from grader.model import CheckResult, Report
from grader.model import Figure as Picture
from grader.report import charts, plots
from grader.report.plots import ACCENT, BAD, GOOD, INK, LINE, QUIET, blank, shown
from grader.report.wording import harmless

if TYPE_CHECKING:
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
    """What a check has drawn, but for tables, which are text."""
    return tuple(
        Drawn(harmless(given.title), harmless(str(given.data.get("caption", ""))), png)
        for given in check.figures
        if given.kind in DRAWINGS
        for png in DRAWINGS[given.kind](given)
    )


def of_measures(report: Report) -> tuple[Drawn, ...]:
    """Every measured number of a report against its bar."""
    return tuple(Drawn(one.title, plots.describe(one), painted(plots.figure(one))) for one in plots.panels(report))


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
    """The drawing as a PNG; what stands for the page's colours gets a colour."""
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
    """The colour, or the colours of a collection, in place of stand-ins; None where there is no stand-in."""
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
