"""What a person is asked about a notebook's code: values that it contains but should compute, and steps that follow no
gradient. Nothing is run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import data_in_code
from ..training.syntax import digs, modules
from . import claimed_accuracy, typed
from .nodes import SHOWN, called, calls_in, identifiers
from .notebook import Notebook, Plot, dotted, parsed_code, pictures, trees, whole
from .origins import Origins
from .saved import UNSEEN

PARTS = 200_000  # of code; a notebook of a student's has a tenth
# Calls that show a text: print, a stream's or tqdm's write, a logger, and what display() is given.
DATASET = re.compile(r"mnist|data", re.IGNORECASE)  # what makes one is called so
SAYS = re.compile(r"^(p?print|display|write|info|warning|error|critical|log|echo|Markdown|HTML|Latex|Text|Pretty)$")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A cell whose "plot" or "claim" was typed, that holds "data", or whose "steps" are not those of training; and what
    it does, as the end of a sentence."""

    cell: int
    of: str
    why: str


def doubts(notebook: Notebook, plots: Iterable[Plot]) -> Iterator[Doubt]:
    """Yield all doubts about a notebook. Of code that is too long, only those about data and its length."""
    cells = {cell.number: inlined(tree) for cell, tree in trees(notebook)}
    helpers = list(modules(notebook.helpers).values())
    yield from data(notebook, cells)
    for number, tree in [*cells.items(), *((1, tree) for tree in helpers)]:
        if what := digs(tree):
            yield Doubt(number, "data", f"reaches into the program that runs it ({what})")
    parts = sum(1 for tree in cells.values() for _ in ast.walk(tree))
    if parts > PARTS:
        yield Doubt(min(cells), "data", f"begins a notebook of {parts:,} pieces of code")
        return
    clear = len(cells) == len(notebook.cells) and not any(UNSEEN.search(cell.source) for cell in notebook.cells)
    origins = Origins([*cells.values(), *helpers], clear=clear)
    overwritten = typed.overwritten(origins, cells)
    for cell in (plot.cell for plot in plots if plot.cell in cells):
        over = typed.drawn_over(origins, overwritten[cell])
        if why := over or (typed.drawn(origins, cells[cell]) if clear else ""):
            yield Doubt(cell, "plot", why)
    claims = claimed_accuracy.claims(notebook)
    if (claim := claimed_accuracy.claimed(claims) or next(reversed(claims), None)) and claim.cell in cells:
        over = stated(claim.accuracy, cells[claim.cell]) or typed.said_over(origins, overwritten[claim.cell])
        if why := over or (typed.said(origins, cells[claim.cell]) if clear else "") or misnamed(cells.values()):
            yield Doubt(claim.cell, "claim", why)
    if clear and (number := untaught([*cells.items(), *((0, tree) for tree in helpers)])):
        yield Doubt(number, "steps", "trains without an optimizer and without reading a gradient")
    for number, tree in cells.items():
        for name in without_gradients(tree):
            yield Doubt(number, "steps", f"steps by an optimizer of its own, {name[:SHOWN]}, which uses no gradient")


def settled(notebook: Notebook, plots: Iterable[Plot]) -> Iterator[Plot]:
    """The plots. If one is not named, but what it draws is counted from right answers, it becomes named. One of a table
    has what its groups are called. Other cells that draw such shares, in words of another language, come last; they
    name nothing."""
    cells = {cell.number: tree for cell, tree in trees(notebook)}
    plots = list(plots)
    known = {plot.cell for plot in plots}
    others = [number for number in dict.fromkeys(number for number, _ in pictures(notebook)) if number not in known]
    if all(map(whole, plots)) and not others:
        yield from plots
        return
    origins = Origins([*cells.values(), *modules(notebook.helpers).values()])
    for plot in plots:
        groups = typed.of_groups(origins, cells[plot.cell])
        yield replace(
            plot,
            training=plot.training or "training" in groups,
            validation=plot.validation or "validation" in groups,
            named=plot.named or typed.draws_accuracy(origins, cells[plot.cell]),
        )
    for number in others:
        if number in cells and typed.draws_accuracy(origins, cells[number]):
            yield Plot(number, training=False, validation=False, named=False)


def inlined(tree: ast.Module) -> ast.Module:
    """The code, in which each `exec("...")` is replaced by the code in its text. The tree itself stays as it is."""
    body: list[ast.stmt] = []
    for one in tree.body:
        call = one.value if isinstance(one, ast.Expr) else None
        text = call.args[0] if isinstance(call, ast.Call) and called(call) == "exec" and call.args else None
        parsed = parsed_code(text.value) if isinstance(text, ast.Constant) and isinstance(text.value, str) else None
        body += [one] if parsed is None else parsed.body
    return ast.Module(body, [])


def data(notebook: Notebook, cells: Mapping[int, ast.Module]) -> Iterator[Doubt]:
    """Yield where cells, and the modules that they import, hold much data. A module's doubt names the first cell that
    names the module."""
    constants: dict[int, list[Any]] = {
        number: [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        for number, tree in cells.items()
    }
    for cell in notebook.cells:
        comments = data_in_code.COMMENT.findall(cell.source)  # a cell can read itself
        constants.setdefault(cell.number, []).extend(comments)
    yield from (Doubt(cell, "data", why) for cell, why in data_in_code.of_cells(constants))
    for name, tree in modules(notebook.helpers).items():
        named = re.compile(rf"\b{re.escape(name.removesuffix('.py'))}\b")
        at = next((cell.number for cell in notebook.cells if named.search(cell.source)), 1)
        for why in data_in_code.of_module(tree, notebook.helpers[name]):
            yield Doubt(at, "data", f"uses {name}, which {why}")


def stated(accuracy: float, tree: ast.Module) -> str:
    """Why a claim was not measured, if a cell shows it as a text that stands in its code; "" otherwise."""
    said = [part for call in calls_in(tree) if SAYS.match(called(call)) for part in call.args]
    last = [one.value for one in tree.body[-1:] if isinstance(one, ast.Expr)]
    lines = [line.lower() for part in said + last for line in joined(part).split("\n")]
    found = {value for line in lines if len(line) < claimed_accuracy.LINE
             for _, value in claimed_accuracy.accuracies(line)}  # fmt: skip
    return "prints an accuracy that stands in its code as text" if accuracy in found else ""


def misnamed(all_trees: Iterable[ast.Module]) -> str:
    """Why a test accuracy is none, if what is called the test set is made with `train=True`; "" otherwise."""
    for node in (node for tree in all_trees for node in ast.walk(tree)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function, keywords=words)) if (
                claimed_accuracy.TEST.search(name.lower()) and not claimed_accuracy.NO_TEST.search(name.lower())
            ):
                if DATASET.search(dotted(function)) and any(
                    word.arg == "train" and getattr(word.value, "value", None) is True for word in words
                ):
                    return f"prints as test accuracy what is computed on the training set ({name[:SHOWN]}: train=True)"
    return ""


def joined(node: ast.expr) -> str:
    """A text that stands in the code, in one piece or as a sum of pieces; "" for anything else."""
    found, waiting = "", [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.BinOp):
            waiting += [one.right, one.left]
        elif isinstance(one, ast.Constant) and isinstance(one.value, str):
            found += one.value
        else:
            return ""
    return found


def untaught(all_trees: Iterable[tuple[int, ast.Module]]) -> int:
    """The cell that calls backward, if nothing takes a step of an optimizer and nothing asks for a gradient; else 0."""
    cell = 0
    for number, tree in all_trees:
        calls = {called(call) for call in calls_in(tree)}
        if "step" in calls or any(word in ("grad", "fit") for word in (*identifiers(tree), *calls)):
            return 0
        cell = number if "backward" in calls else cell
    return cell


def without_gradients(tree: ast.Module) -> Iterator[str]:
    """Yield the optimizers of its own that neither ask for a gradient nor have another optimizer step."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("Optimizer" in (*identifiers(base),) for base in node.bases):
            steps = any(isinstance(one, ast.FunctionDef) and one.name == "step" for one in node.body)
            inside = [one for part in node.body for one in ast.walk(part)]
            used = {one.attr for one in inside if isinstance(one, ast.Attribute)}
            if steps and "grad" not in used and not any(called(one) == "step" for one in inside):
                yield node.name
