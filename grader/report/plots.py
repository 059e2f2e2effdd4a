"""The report's figures as inline SVG: every measured number with its bar, and training curves and weights.

matplotlib is imported only when something is drawn, because that takes longer than the rest of the report. Labels may
contain a student's own names, so no text is parsed as math, and all text uses characters that every font has.
"""

from __future__ import annotations

import base64
import math
import os
import re
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from io import BytesIO, StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.model import Figure as Picture
from grader.model import Measure, Report
from grader.report.wording import checks, harmless, holds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

LOADING = threading.Lock()
WIDTH, ROW, HEAD = 7.2, 0.2, 0.75  # inches: the figure, one row, and the space above and below a panel's rows
ROWS = 40  # rows of a panel: they fit on a page of paper
LABEL = 44  # characters of a row's label
HIGH = 1e30  # a loss beyond it is drawn there: an axis has to end somewhere
FLOOR, CEILING = 1e-17, 1e3  # an error of 0 is drawn at the floor; one that is not finite, at the right edge

# Placeholders for the page's colours, which differ in light and dark mode.
COLOURS = {"#010101": "var(--ink)", "#020202": "var(--quiet)", "#030303": "var(--line)", "#040404": "var(--good)",
           "#050505": "var(--bad)", "#060606": "var(--accent)"}  # fmt: skip
INK, QUIET, LINE, GOOD, BAD, ACCENT = COLOURS

# Shapes, sizes and settings in a name. Measurements whose names differ only in these share a row.
_RUN = re.compile(r"\s*\([\d, ]*\)|, \w+=[\w.+-]+|, \d+ rows?\b")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a panel: a quantity of a check, with one or more measurements."""

    label: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    rows: tuple[Row, ...]
    log: bool = True


def load_library() -> None:
    """Import matplotlib, and have it find its fonts, so that not every reader does. It looks for its settings in the
    current folder first, where a student's files may lie. A process that is forked while another thread imports would
    wait for that thread for ever, so one thread does it and the others wait."""
    with LOADING:
        if "matplotlib.figure" in sys.modules:
            return
        with elsewhere():
            import matplotlib.backends.backend_svg
            import matplotlib.figure  # noqa: F401
        drawn(Panel("", (Row("", (Measure("", 0.0, 1.0),)),)), 0)


@contextmanager
def elsewhere() -> Iterator[None]:
    """Work in the root folder."""
    here = os.open(".", os.O_RDONLY) if hasattr(os, "fchdir") else Path.cwd()
    os.chdir(os.sep)
    try:
        yield
    finally:
        os.chdir(here)
        if isinstance(here, int):
            os.close(here)


def drawn(panel: Panel, at: int) -> str:
    """An <svg> element. It uses the page's colour variables, and its text stays text."""
    return svg(figure(panel), panel.title, describe(panel), f"plot{at}")


def curves(given: Picture, prefix: str) -> str:
    """Two plots, side by side if there is room: the loss by step, and the accuracies of a run with their bar."""
    return f'<div class="pair">{losses(given, f"{prefix}-loss")}{accuracies(given, f"{prefix}-accuracy")}</div>'


def losses(given: Picture, prefix: str) -> str:
    return svg(loss_canvas(given), f"{given.title}: loss", given.data["caption"], prefix)


def loss_canvas(given: Picture) -> Figure:
    canvas = blank(WIDTH / 2, 2.6)
    axes = canvas.add_axes((0.13, 0.17, 0.81, 0.7))
    values = [math.nan if loss is None else min(max(loss, -HIGH), HIGH) for loss in given.data["losses"]]
    axes.plot(given.data["steps"], values, color=INK, linewidth=1.2)
    if values and max(values) > 100 * max(min(values), 1e-9):
        axes.set_yscale("log")
    style(axes, "Training loss", "step")
    return canvas


def accuracies(given: Picture, prefix: str) -> str:
    return svg(accuracy_canvas(given), f"{given.title}: accuracy", given.data["caption"], prefix)


def accuracy_canvas(given: Picture) -> Figure:
    """Accuracies by epoch, or by `look`, with the bar. The judged one is drawn in ink."""
    canvas, data = blank(WIDTH / 2, 2.6), given.data
    axes = canvas.add_axes((0.11, 0.17, 0.65, 0.7))
    epochs = range(1, len(data["epochs"]) + 1)
    axes.axhline(100 * data["bar"], color=ACCENT, linewidth=1.5)
    ends = {f"bar {data['bar']:.0%}".replace("%", " %"): (100 * data["bar"], ACCENT)}
    kinds = (("training", "s", "--"), ("validation", "o", "-"), ("test", "o", "-"))
    for name, marker, line in (kind for kind in kinds if kind[0] in data):
        values = [100 * value for value in data[name]]
        axes.plot(epochs, values, line, color=INK if name == data["judged"] else QUIET, marker=marker,
                  markersize=3 if len(values) < 40 else 0, linewidth=1.2, clip_on=False)  # fmt: skip
        ends |= {name: (values[-1], INK if name == data["judged"] else QUIET)} if values else {}
    axes.set_ylim(0, 100)
    axes.set_xlim(0.5, max(len(epochs), 1) + 0.5)
    for (name, (_, colour)), height in zip(ends.items(), apart([at for at, _ in ends.values()]), strict=True):
        axes.text(1.03, height / 100, name, color=colour, fontsize=8, va="center", transform=axes.transAxes)
    style(axes, "Accuracy in %", data.get("look", "epoch"))
    return canvas


def apart(heights: Sequence[float], gap: float = 8.0) -> list[float]:
    """Heights of labels, moved up until they are `gap` apart, then all moved down if they exceed the top."""
    placed = dict.fromkeys(range(len(heights)), 0.0)
    least = -gap
    for at in sorted(placed, key=lambda at: heights[at]):
        placed[at] = least = max(heights[at], least + gap)
    over = max(0.0, least - 100)
    return [placed[at] - over for at in sorted(placed)]


def style(axes: Axes, title: str, below: str) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_title(title, loc="left", fontsize=10, color=INK, parse_math=False)
    axes.set_xlabel(below, fontsize=8, color=QUIET)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.tick_params(colors=QUIET, labelsize=8, length=0)
    axes.grid(color=LINE, linewidth=0.6)
    axes.set_frame_on(False)
    axes.set_axisbelow(True)


def weights(given: Picture, prefix: str) -> str:
    """Small square images side by side, with square pixels, on a transparent background."""
    sheet = weight_sheet(given)
    file = BytesIO()
    sheet.save(file, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return (
        f'<svg viewBox="0 0 {sheet.width} {sheet.height}" role="img" aria-labelledby="{prefix}-title">'
        f'<title id="{prefix}-title">{escape(given.title)}</title><image width="{sheet.width}" height="{sheet.height}" '
        f'style="image-rendering: pixelated" href="{source}"/></svg>'
    )


def weight_sheet(given: Picture) -> Image:
    from PIL import Image

    side, count = given.data["side"], len(given.data["images"])
    across = min(count, 6)
    down, cell = -(-count // across), side + 4
    sheet = Image.new("RGBA", (across * cell - 4, down * cell - 4))
    for at, image in enumerate(given.data["images"]):
        sheet.paste(
            Image.frombytes("RGB", (side, side), base64.b64decode(image)), (at % across * cell, at // across * cell)
        )
    return sheet


DRAWINGS = {"curves": curves, "weights": weights}


def panels(report: Report) -> tuple[Panel, ...]:
    """Panels of gradient errors, other errors and accuracies. Empty panels are left out; long ones are split."""
    kinds: dict[str, dict[tuple[str, str], list[Measure]]] = {"gradient": {}, "forward": {}, "accuracy": {}}
    for item, check in checks(report):
        for measure in check.measures:
            label = f"{item.id} {_RUN.sub('', harmless(measure.name))}"
            kinds[kind(measure)].setdefault((check.name, label), []).append(measure)
    titles = {"gradient": "Gradient errors", "forward": "Forward errors", "accuracy": "Accuracies"}
    drawn = []
    for name, found in kinds.items():
        rows = [Row(label, tuple(all_)) for (_, label), all_ in found.items()]
        for start in range(0, len(rows), ROWS):
            title = f"{titles[name]}, continued" if start else titles[name]
            drawn.append(Panel(title, tuple(rows[start : start + ROWS]), name != "accuracy"))
    return tuple(drawn)


def kind(measure: Measure) -> str:
    return "accuracy" if measure.at_least else "gradient" if "grad" in measure.name.lower() else "forward"


def describe(panel: Panel) -> str:
    """A panel in words, for screen readers."""
    measures = [measure for row in panel.rows for measure in row.measures]
    return f"{sum(map(holds, measures))} of {len(measures)} are on the right side of the bar."


def figure(panel: Panel) -> Figure:
    rows = ROW * len(panel.rows)
    height = HEAD + rows
    canvas = blank(WIDTH, height)
    draw(canvas.add_axes((0.44, (HEAD - 0.35) / height, 0.52, rows / height)), panel)
    return canvas


def blank(width: float, height: float) -> Figure:
    """An empty figure for SVG; sizes are in inches."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(width, height))
    FigureCanvasSVG(canvas)
    return canvas


def draw(axes: Axes, panel: Panel) -> None:
    """Draw passed measurements as dots, failed ones as crosses and bars as vertical strokes, over a grid.

    Labels and grid are plain texts and lines, because matplotlib's own ticks would take most of the time of a page.
    """
    from matplotlib.transforms import ScaledTranslation

    dots = [(position(m.value, panel), y, holds(m)) for y, row in enumerate(panel.rows) for m in row.measures]
    bars = sorted({(position(m.bound, panel), y) for y, row in enumerate(panel.rows) for m in row.measures})
    ticks = range(-16, 1, 4) if panel.log else range(0, 101, 25)
    left, right, below = (-17, 3, len(panel.rows) - 0.5) if panel.log else (0, 100, len(panel.rows) - 0.5)
    axes.set_axis_off()
    axes.set_xlim(left, right)
    axes.set_ylim(below, -0.5)
    axes.vlines(list(ticks), -0.5, below, color=LINE, linewidth=0.6)
    axes.hlines(range(len(panel.rows)), left, right, color=LINE, linewidth=0.6)
    axes.plot(*columns(bars), "|", color=ACCENT, markersize=11, markeredgewidth=2, clip_on=False)
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
        axes.text(left, y, shown(row.label), ha="right", va="center", transform=beside, **told)
    for tick in ticks:
        name = (f"1e{tick}" if tick else "1") if panel.log else f"{tick} %"
        axes.text(tick, below, name, ha="center", va="top", transform=under, **told)
    axes.set_title(panel.title, loc="left", x=-0.8, y=1.0, fontsize=10, color=INK, parse_math=False)


def position(value: float, panel: Panel) -> float:
    """The x position of a number: its power of ten, limited to the panel, or a percentage. Numbers that are not finite
    lie at the bad edge."""
    if not panel.log:
        return 100 * min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
    return math.log10(min(max(value, FLOOR), CEILING)) if math.isfinite(value) else math.log10(CEILING)


def columns(places: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in places], [y for _, y in places]


def shown(label: str) -> str:
    """A label with only characters that matplotlib's own font has, so that drawing it never warns."""
    label = label.encode("latin-1", "replace").decode("latin-1")
    return label if len(label) <= LABEL else label[: LABEL - 3] + "..."


def svg(canvas: Figure, title: str, description: str, prefix: str = "plot") -> str:
    """The figure as a deterministic <svg> without prolog, metadata and styles. All its ids begin with `prefix`."""
    import matplotlib

    page = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "backgrade"}):
        canvas.savefig(page, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style [^>]*>.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", lambda tag: retold(tag[0], prefix), text)  # tags only: a label stays as it is
    words = f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-desc">{escape(description)}</desc>'
    opening, rest = text.split(">", 1)
    opening = re.sub(r' (width|height|version|xmlns(:\w+)?)="[^"]*"', "", opening)
    return f'{opening} role="img" aria-labelledby="{prefix}-title {prefix}-desc">{words}{rest}'


def retold(tag: str, prefix: str) -> str:
    """A tag with prefixed ids, the page's fonts and the page's colours."""
    tag = re.sub(r'\bid="', f'id="{prefix}-', tag)
    tag = re.sub(r'xlink:href="#', f'href="#{prefix}-', tag).replace("url(#", f"url(#{prefix}-")
    tag = re.sub(r"font-family: [^;\"]*; ", "", tag)
    for stand_in, colour in COLOURS.items():
        tag = tag.replace(stand_in, colour)
    return tag
