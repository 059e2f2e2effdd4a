"""Finds data in a student's code: long texts and very many numbers, such as weights that were trained elsewhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .training.syntax import digs, modules

LONG, MANY = 4000, 1500  # characters of a text, and numbers in a cell or a module, that are data
COMMENT = re.compile("#.*")
DOCUMENT = 16_000  # characters of a docstring, such as one that holds what a run printed
DENSE, ORDINARY = 16, 3000  # characters without a space that are no word; so many of them are paths and addresses


def of_cells(constants: Mapping[int, list[Any]]) -> Iterator[tuple[int, str]]:
    """Yield each cell with a long text or very many numbers, and what it holds. If no cell holds so much, but all
    together do, yield the fullest one: data may be cut into pieces."""
    texts = {cell: {part: None for value in values for part in dense(value)} for cell, values in constants.items()}
    whole = {cell: [value for value in values if isinstance(value, str | bytes)] for cell, values in constants.items()}
    longest = {cell: max(map(len, [*texts[cell], *whole[cell]]), default=0) for cell in constants}
    sums = {cell: sum(map(len, parts)) for cell, parts in texts.items()}
    counts = {cell: sum(type(value) in (int, float) for value in values) for cell, values in constants.items()}
    for cell in constants:
        if longest[cell] >= LONG:
            yield cell, f"holds a text of {longest[cell]:,} characters"
        elif counts[cell] >= MANY:
            yield cell, f"holds {counts[cell]:,} numbers"
    of_texts, of_numbers = (max(found, key=found.__getitem__, default=0) for found in (sums, counts))
    if max(longest.values(), default=0) < LONG <= sum(sums.values()) - ORDINARY:
        yield of_texts, f"and others hold texts of {sum(sums.values()):,} characters without spaces"
    if max(counts.values(), default=0) < MANY <= sum(counts.values()):
        yield of_numbers, f"and others hold {sum(counts.values()):,} numbers"


def of_module(tree: ast.Module, source: bytes) -> Iterator[str]:
    """What data a module holds, as "holds 1,600 numbers". Of a docstring, only what is no words counts, unless it is
    very long."""
    docs = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    values: list[Any] = [*COMMENT.findall(source.decode(errors="replace"))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            told = id(node) in docs and len(str(node.value)) < DOCUMENT
            values += dense(node.value) if told else [node.value]
    for _, why in of_cells({1: values}):
        yield why.removeprefix("and others ").replace("hold ", "holds ", 1)


def of_files(files: Mapping[str, bytes]) -> list[str]:
    """A question about each Python file that reaches into the program that runs it, or that holds data. Call it in a
    reader (see sandbox/reader.py)."""
    found = []
    for name, tree in modules(files).items():
        if what := digs(tree):
            found.append(f"{name} reaches into the program that runs it ({what}); what for?")
        found += [f"{name} {why}; what is that, and where is it from?" for why in of_module(tree, files[name])]
    return found


def dense(value: Any) -> list[str]:
    """The parts of a text that are longer than words. A whole number of many digits is such a text."""
    if type(value) is int and value.bit_length() > 8 * DENSE:
        return [hex(value)]
    return [str(part) for part in value.split() if len(part) >= DENSE] if isinstance(value, str | bytes) else []
