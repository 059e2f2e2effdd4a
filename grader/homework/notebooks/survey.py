"""Reads all that is needed of a notebook at once, in a reader (sandbox/reader.py), which returns plain data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from grader.errors import Mismatch
from grader.intake import picture

from . import claimed_accuracy, notebook, photographs, saved, shown
from .claimed_accuracy import Claim
from .doubts import Doubt, doubts, settled
from .notebook import Cell, Notebook, Plot
from .saved import Impossible

SIDE = 400  # pixels of a saved picture that is looked at
SVG, STROKE = re.compile(rb"\s*<(\?xml|!DOCTYPE svg|svg)\b"), re.compile(rb"<(?:path|polyline|line|use|image|rect)\b")
ROOM = 200_000_000  # pixels of all saved pictures that are decoded; a plot has a million


@dataclass(frozen=True, slots=True)
class Picture:
    """A saved picture, scaled down to SIDE. It is 0 x 0 if it was not decoded, or could not be. `blank`: it has one
    colour."""

    cell: int
    height: int = 0
    width: int = 0
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Survey(Notebook):
    """A notebook, and what its code and its outputs say. Its outputs hold no pictures any more.

    `unnamed` is a number that may be its test accuracy, though no word says so. `mentioned` are the photographs that it
    opens, `predicting` the cells with an output that ask a network, `truths` what it writes down of what the
    photographs show. `impossible` are cells whose outputs their code cannot have given, `mute` those whose code gives
    none; `undrawn`: no code can have drawn its pictures. `doubts` are what it writes down where others compute.
    """

    defines_network: bool = False
    plots: tuple[Plot, ...] = ()
    claims: tuple[Claim, ...] = ()
    unnamed: Claim | None = None
    pictures: tuple[Picture, ...] = ()
    mentioned: tuple[str, ...] = ()
    predicting: tuple[int, ...] = ()
    truths: tuple[tuple[str, ...] | dict[str, str], ...] = ()
    impossible: tuple[Impossible, ...] = ()
    mute: tuple[int, ...] = ()
    undrawn: bool = False
    doubts: tuple[Doubt, ...] = ()

    @property
    def claimed(self) -> float | None:
        """The test accuracy that it claims."""
        claim = claimed_accuracy.claimed(self.claims)
        return claim.accuracy if claim is not None else None


def read(data: bytes, name: str, helpers: Mapping[str, bytes]) -> Survey:
    """Raises Mismatch for what is no notebook, with what is wrong and the cure."""
    found = shown.where_drawn(replace(notebook.read(data, name), helpers=helpers))
    plots = tuple(settled(found, notebook.plots(found)))
    return Survey(
        name=name,
        cells=tuple(map(without_pictures, found.cells)),
        helpers=helpers,
        defines_network=notebook.defines_network(found),
        plots=plots,
        claims=tuple(claimed_accuracy.claims(found)),
        unnamed=claimed_accuracy.unnamed(found),
        pictures=tuple(pictures(found, {plot.cell for plot in plots} or {cell.number for cell in found.cells})),
        mentioned=tuple(photographs.mentioned(found)),
        predicting=tuple(photographs.predicting(found)),
        truths=tuple(photographs.truths(found)),
        impossible=tuple(saved.impossible(found)),
        mute=tuple(saved.mute(found)),
        undrawn=saved.undrawn(found),
        doubts=tuple(doubts(found, plots)),
    )


def without_pictures(cell: Cell) -> Cell:
    return replace(cell, outputs=tuple(replace(output, image=b"") for output in cell.outputs))


def pictures(found: Notebook, drawn: set[int]) -> Iterator[Picture]:
    """Every saved picture. Those of the cells in `drawn` are decoded, as long as there is room."""
    room = ROOM
    for cell, image in notebook.pictures(found):
        room -= picture.area(image) if cell in drawn else 0
        yield looked_at(cell, image) if cell in drawn and room > 0 else Picture(cell)


def looked_at(cell: int, image: bytes) -> Picture:
    if SVG.match(image):
        return Picture(cell, SIDE, SIDE, blank=len(STROKE.findall(image)) < 2)  # one is that of the paper
    if image.startswith((b"{", b"<")):  # code of plotly's, or a page
        return Picture(cell, SIDE, SIDE)
    try:
        shown = picture.pixels(image, "the plot", side=SIDE)
    except Mismatch:
        return Picture(cell)
    blank = bool((shown == shown[:1, :1]).all()) and picture.is_blank(image)
    height, width = shown.shape[:2]
    return Picture(cell, height, width, blank)
