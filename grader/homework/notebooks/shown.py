"""Gives a picture that a cell only shows, from a file or as a figure, to the cell that drew it. Nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from .nodes import texts
from .notebook import Cell, Notebook, called, draws, functions_of, trees

SHOWS = frozenset(("Image", "display", "open", "imread", "imshow", "show", "axis", "figure", "Path", "join"))
PICTURE = re.compile(r"\.(png|jpe?g|gif|webp|bmp|svg)$")


def base_name(text: str) -> str:
    return text.replace("\\", "/").rpartition("/")[2].lower()


def where_drawn(notebook: Notebook) -> Notebook:
    """The notebook, with each picture in the cell that drew it. A cell that does nothing but show one names the file
    that another cell saves, or the figure that it makes; the other one has no picture itself."""
    parsed = list(trees(notebook))
    functions = functions_of(tree for _, tree in parsed)
    draw = {
        cell.number: set(handles(tree, made=True))
        for cell, tree in parsed
        if not pictured(cell) and "plot" in draws(tree).union(*(functions.get(name, ()) for name in called(tree)))
    }
    cells = {cell.number: cell for cell in notebook.cells}
    for cell, tree in parsed:
        wanted = set(handles(tree)) if pictured(cell) and shows_alone(tree) else set()
        if found := [number for number in draw if number < cell.number and draw[number] & wanted]:
            images = tuple(output for output in cell.outputs if output.kind == "image")
            others = tuple(output for output in cell.outputs if output.kind != "image")
            cells[cell.number] = replace(cell, outputs=others)
            cells[found[-1]] = replace(cells[found[-1]], outputs=(*cells[found[-1]].outputs, *images))
            del draw[found[-1]]
    return replace(notebook, cells=tuple(cells.values()))


def pictured(cell: Cell) -> bool:
    return any(output.kind == "image" for output in cell.outputs)


def shows_alone(tree: ast.Module) -> bool:
    return all(name.removeprefix(".") in SHOWS for name in called(tree))


def handles(tree: ast.Module, *, made: bool = False) -> Iterator[str]:
    """Yield the pictures' files that some code names, and the names that it reads or, if `made`, gives a value."""
    yield from filter(PICTURE.search, map(base_name, texts(tree)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) != made:
            yield node.id
