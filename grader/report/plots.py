"""Training curves and weights as inline SVG.

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
from collections.abc import Sequence
from html import escape
from io import BytesIO, StringIO
from typing import TYPE_CHECKING

from grader.files import inside
from grader.model import Figure as Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

LOADING = threading.RLock()  # the drawing that finds the fonts asks for it again
WIDTH = 7.2  # inches
HIGH = 1e30  # larger losses are drawn here, because an axis has to end somewhere

# Placeholders for the page's colours, which differ in light and dark mode.
COLOURS = {"#010101": "var(--ink)", "#020202": "var(--quiet)", "#030303": "var(--line)", "#040404": "var(--good)",
           "#050505": "var(--bad)", "#060606": "var(--accent)"}  # fmt: skip
INK, QUIET, LINE, GOOD, BAD, ACCENT = COLOURS


def load_library() -> None:
    """Import matplotlib and let it find its fonts, before readers are forked that draw.

    It looks for its settings in the current folder first, where a student's files may lie, so the root is made that.
    One thread does all this while the others wait: a process that is forked during an import would wait for ever.
    """
    with LOADING:
        if "matplotlib.figure" in sys.modules:
            return
        with inside(os.sep):
            import matplotlib.backends.backend_svg
            import matplotlib.figure  # noqa: F401
        svg(loss_canvas(Picture("curves", "", {"losses": [0.0], "steps": [0]})), "", "")


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
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
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


def blank(width: float, height: float) -> Figure:
    """An empty figure for SVG; sizes are in inches."""
    load_library()
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(width, height))
    FigureCanvasSVG(canvas)
    return canvas


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
