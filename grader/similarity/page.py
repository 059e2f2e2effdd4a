"""Pairs as one HTML file, side by side, for staff. No script, no network; light and dark, on a phone and on paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.report.html import environment
from grader.report.wording import harmless
from grader.similarity import table
from grader.similarity.pairs import Entry, Found, Marked, Pair
from grader.similarity.work import Picture, Work

HERE = Path(__file__).parent
DRAWN = 120  # most pairs whose code is shown; the others are in the table
AROUND = 2  # lines before and behind a shared one
LINES, WIDTH = 300, 240  # most lines of a file and characters of a line that are shown
NOTHING = Work()


@dataclass(frozen=True, slots=True)
class Line:
    """A line of code: its number, its text, and whether it is "rare", "few", "many", "" or a "gap"."""

    number: int
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Both:
    """A file's shared lines, on the left and on the right."""

    file: str
    left: tuple[Line, ...]
    right: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pair as it is shown. `pictures` are two names with two images each, as data addresses."""

    pair: Pair
    anchor: str
    sentence: str
    files: tuple[Both, ...]
    pictures: tuple[tuple[str, str, str, str], ...]


def render(found: Found, entries: Sequence[Entry], names: Mapping[str, str], title: str, notes: Sequence[str]) -> str:
    """The whole page. `names` are the names of people by label."""
    works = {entry.label: entry.work for entry in entries}
    page: str = environment(HERE).get_template("similar.html.j2").render(
        found=found,
        drawn=[drawn(pair, at, works) for at, pair in enumerate(found.pairs[:DRAWN], start=1)],
        left_out=[(pair, table.sentence(pair)) for pair in found.pairs[DRAWN:]],
        names=names,
        title=title,
        notes=notes,
        headline=table.headline(found),
        what=table.WHAT,
        similar_css=(HERE / "similar.css").read_text(encoding="utf-8"),
    )  # fmt: skip
    return page


def drawn(pair: Pair, at: int, works: Mapping[str, Work]) -> Drawn:
    left, right = works[pair.left], works[pair.right]
    return Drawn(
        pair,
        f"pair-{at}",
        table.sentence(pair),
        tuple(side_by_side(left, right, pair)),
        tuple(
            (one, address(left.pictures, one), other, address(right.pictures, other)) for one, other in pair.pictures
        ),
    )


def side_by_side(left: Work, right: Work, pair: Pair) -> Iterator[Both]:
    """The shared lines of each file, those of the same name beside each other."""
    sides = [{one.file: tuple(lines(work, one)) for one in marked}
             for work, marked in ((left, pair.left_lines), (right, pair.right_lines))]  # fmt: skip
    for file in dict.fromkeys([*sides[0], *sides[1]]):
        yield Both(file, sides[0].get(file, ()), sides[1].get(file, ()))


def lines(work: Work, marked: Marked) -> Iterator[Line]:
    """The marked lines of a file with those around them; a gap between those that are not beside each other."""
    text = next((one.text for one in work.documents if one.name == marked.file), "").split("\n")
    kinds = {at: kind for kind in ("many", "few", "rare") for at in getattr(marked, kind)}
    shown = sorted({near for at in kinds for near in range(at - AROUND, at + AROUND + 1) if 1 <= near <= len(text)})
    last = 0
    for number in shown[:LINES]:
        if number > last + 1:
            yield Line(0, "", "gap")
        last = number
        yield Line(number, harmless(text[number - 1][:WIDTH]) or " ", kinds.get(number, ""))
    if len(shown) > LINES:
        yield Line(0, f"{len(shown) - LINES} more lines", "gap")


def address(pictures: Collection[Picture], name: str) -> str:
    """A small copy of a picture as a data address."""
    from PIL import Image

    small = next(one.small for one in pictures if one.name == name)
    file = io.BytesIO()
    Image.fromarray(small).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
