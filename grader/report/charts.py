"""Draws the figures of checks: tables, confusion matrices, pictures and bars. Curves and weights are in plots.py.

A figure's data come partly from a student. Text is escaped; pictures are plain pixels.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from grader.model import Figure as Picture
from grader.report import plots
from grader.report.panels import shown
from grader.report.plots import ACCENT, BAD, INK, LINE, QUIET, WIDTH, blank, svg
from grader.report.wording import harmless

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

ACROSS = 4  # labelled pictures per row
PER_LINE = 26  # characters per line of a picture's label
SIDE = 96  # width and height of a labelled picture, in units of the drawing


def picture(given: Picture, prefix: str) -> str:
    """A check's own figure as markup. `prefix` makes its ids unique on the page."""
    return DRAWINGS[given.kind](given, prefix)


def table(given: Picture, prefix: str) -> str:
    """A table of text. The last column is aligned to the right, as numbers are."""
    head = "".join(
        f'<th scope="col"{number(at, given)}>{text(name)}</th>' for at, name in enumerate(given.data["columns"])
    )
    rows = "".join(
        f"<tr>{''.join(f'<td{number(at, given)}>{text(cell)}</td>' for at, cell in enumerate(row))}</tr>"
        for row in given.data["rows"]
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def number(at: int, given: Picture) -> str:
    return ' class="num"' if at == len(given.data["columns"]) - 1 else ""


def text(words: Any) -> str:
    return escape(harmless(str(words)))


def confusion(given: Picture, prefix: str) -> str:
    """A confusion matrix: how often each class (row) is predicted as each class (column), in percent of the row."""
    own = [
        f"{name} {line[at] / max(sum(line), 1):.0%}"
        for at, (name, line) in enumerate(zip(given.data["classes"], given.data["counts"], strict=True))
    ]
    return svg(confusion_canvas(given), given.title, f"Accuracy of each class: {', '.join(own)}.", prefix)


def confusion_canvas(given: Picture) -> Figure:
    names, counts = given.data["classes"], given.data["counts"]
    canvas, size = blank(WIDTH, 4.6), len(names)
    axes = canvas.add_axes((0.16, 0.02, 0.8, 0.8))
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            mark(axes, row, column, count / max(sum(line), 1))
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_xticks(range(size), [shown(name) for name in names], rotation=40, ha="left", parse_math=False)
    axes.set_yticks(range(size), [shown(name) for name in names], parse_math=False)
    axes.xaxis.tick_top()
    axes.tick_params(colors=QUIET, labelsize=8, length=0)
    for lines_ in (axes.hlines, axes.vlines):
        lines_([at - 0.5 for at in range(size + 1)], -0.5, size - 0.5, color=LINE, linewidth=0.6)
    axes.set_frame_on(False)
    return canvas


def mark(axes: Axes, row: int, column: int, share: float) -> None:
    """One cell: its percentage, and a square whose area is proportional to it, so that shades carry no meaning."""
    if share < 0.005:
        return
    from matplotlib.patches import Rectangle

    colour, side = ACCENT if row == column else BAD, max(share**0.5, 0.5)  # large enough to surround the number
    corner = (column - side / 2, row - side / 2)
    axes.add_patch(Rectangle(corner, side, side, facecolor=colour, alpha=0.35, linewidth=0))
    axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=INK)


def images(given: Picture, prefix: str) -> str:
    """Small pictures, each with a label below it as text."""
    width, height = given.data["size"]
    cells = []
    for pixels, label in zip(given.data["images"], given.data["labels"], strict=True):
        cells.append((source(pixels, width, height), label))
    return sheet(given, prefix, cells)


def sheet(given: Picture, prefix: str, cells: Sequence[tuple[str, str]]) -> str:
    step, down = 170, -(-len(cells) // ACROSS)
    tall = SIDE + 34
    parts = []
    for at, (href, label) in enumerate(cells):
        x, y = at % ACROSS * step, at // ACROSS * tall
        parts.append(
            f'<image x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" style="image-rendering: pixelated" href="{href}"/>'
        )
        for line, words in enumerate(lines(label)):
            parts.append(
                f'<text x="{x}" y="{y + SIDE + 12 + 12 * line}" font-size="10" fill="var(--ink)">{escape(words)}</text>'
            )
    return (
        f'<svg viewBox="0 0 {ACROSS * step - 20} {max(down, 1) * tall}" role="img" aria-labelledby="{prefix}-title">'
        f'<title id="{prefix}-title">{escape(given.title)}</title>{"".join(parts)}</svg>'
    )


def lines(label: str) -> list[str]:
    """A label in at most two lines, broken at a comma or a space."""
    label = harmless(label)
    if len(label) <= PER_LINE:
        return [label]
    cut = max(label.rfind(", ", 0, PER_LINE + 1) + 1, 0) or label.rfind(" ", 0, PER_LINE + 1)
    cut = cut if cut > 0 else PER_LINE
    rest = label[cut:].strip()
    return [label[:cut].strip(), rest if len(rest) <= PER_LINE + 4 else rest[: PER_LINE + 3] + "…"]


def source(pixels: str, width: int, height: int) -> str:
    """Grey or RGB pixels in base64 -> a PNG as a data URL."""
    file = BytesIO()
    pixel_image(pixels, width, height).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def pixel_image(pixels: str, width: int, height: int) -> Image:
    from PIL import Image

    data = base64.b64decode(pixels)
    return Image.frombytes("L" if len(data) == width * height else "RGB", (width, height), data)


def bars(given: Picture, prefix: str) -> str:
    """A thumbnail, and a bar for each of the network's most probable classes."""
    width, height = given.data["size"]
    pairs = zip(given.data["classes"], given.data["probabilities"], strict=True)
    said = ", ".join(f"{name} {share:.0%}" for name, share in pairs)
    drawn = svg(bars_canvas(given), given.title, said, prefix)
    box = 130.0
    scale = box / max(width, height, 1)
    href = source(given.data["image"], width, height)
    thumbnail = f'<image x="4" y="4" width="{width * scale:.1f}" height="{height * scale:.1f}" href="{href}"/>'
    return f"{drawn.rstrip().removesuffix('</svg>')}{thumbnail}</svg>"


def bars_canvas(given: Picture) -> Figure:
    names, shares = given.data["classes"], given.data["probabilities"]
    canvas = blank(WIDTH, 1.9)
    axes = canvas.add_axes((0.52, 0.12, 0.44, 0.86))
    rows = range(len(names))
    axes.barh(rows, [100 * share for share in shares], color=ACCENT, height=0.55)
    for row, share in zip(rows, shares, strict=True):
        axes.text(100 * share + 1.5, row, f"{100 * share:.0f} %", va="center", fontsize=8, color=INK)
    axes.set_yticks(rows, [shown(harmless(name)) for name in names], parse_math=False)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 112)
    axes.set_xticks([])
    axes.tick_params(colors=INK, labelsize=9, length=0)
    axes.set_frame_on(False)
    return canvas


DRAWINGS = plots.DRAWINGS | {"table": table, "confusion": confusion, "images": images, "bars": bars}
