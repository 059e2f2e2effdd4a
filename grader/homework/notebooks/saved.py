"""Finds saved outputs that a notebook's code cannot have given. Only what is certain is reported; nothing is run."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from ..training.syntax import modules, unparsed
from .notebook import Cell, Notebook, called, trees

# What may bind names, or print, or draw, although no syntax shows it.
UNSEEN = re.compile(
    r"^\s*%(pylab|run|load|store|env|cd|reset|edit|recall|macro)|^\s*%%capture\s+\w|--(out|err)|\bimport\s*\*"
    r"|(?<![\w.])(exec|eval|globals|locals|vars|setattr|get_ipython)\s*\(|\b(run_cell|__dict__)\b",
    re.MULTILINE,
)
MAGIC = re.compile(r"^\s*[%!?]|\?\s*$|=\s*[%!]", re.MULTILINE)
KNOWN = frozenset((*dir(builtins), "display", "get_ipython", "In", "Out", "exit", "quit", "__file__"))
SILENT = frozenset(("torch", "torchvision", "numpy", *sys.stdlib_module_names)) - {"turtle", "tkinter"}
BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.If, ast.While, ast.Try, ast.Match)


NO_VALUE = frozenset(("append", "extend", "add", "update", "backward", "step", "zero_grad", "close"))  # of such calls
SPEAKS = re.compile(
    r"p?print|display|show|imshow|\w*plot\w*|tqdm\w*|trange|\w*progress\w*|\w*bar|summary|fit|info|debug|warn(ing)?|write"
)
SCREEN = re.compile(r"std|tqdm|bar|display", re.IGNORECASE)  # what is written there is shown; a file has another name


@dataclass(frozen=True, slots=True)
class Impossible:
    """A cell whose saved outputs its code cannot have given, and why, as a clause."""

    cell: int
    why: str


def impossible(notebook: Notebook) -> Iterator[Impossible]:
    """Yield the cells with an output whose code uses a name that nothing binds, or that has nothing to give it."""
    parsed = list(trees(notebook))
    clear = len(parsed) == len(notebook.cells) and not any(UNSEEN.search(cell.source) for cell in notebook.cells)
    bound = {name for _, tree in parsed for name in names_bound(tree)}
    for cell, tree in parsed:
        if not cell.outputs or any(output.kind == "error" for output in cell.outputs):
            continue
        missing = next((name for name in used(tree) if name not in bound | KNOWN), "") if clear else ""
        if missing and not missing.startswith("_"):
            yield Impossible(cell.number, f"it uses {missing[:40]}, which nothing in the notebook defines")
        elif silent(cell, tree):
            yield Impossible(cell.number, "its code neither calls anything nor ends in a value")


def undrawn(notebook: Notebook) -> bool:
    """Whether nothing in the notebook can draw: it imports nothing for it, and has no magic."""
    found = {
        root
        for tree in (*(tree for _, tree in trees(notebook)), *modules(notebook.helpers).values())
        for root in roots(tree)
    }
    return found <= SILENT and not any(MAGIC.search(cell.source) for cell in notebook.cells)


def silent(cell: Cell, tree: ast.Module) -> bool:
    """Whether nothing in a cell can print: it has no call, because any call may print, and no value at its end."""
    if MAGIC.search(cell.source) or any(isinstance(node, ast.Call | ast.Import | ast.ImportFrom | ast.With | ast.For |
                                                   ast.ClassDef) for node in ast.walk(tree)):  # fmt: skip
        return False
    if not tree.body:
        return not cell.source.strip()  # code that was commented out later may have run
    return not isinstance(tree.body[-1], ast.Expr)


def mute(notebook: Notebook) -> Iterator[int]:
    """Yield the cells that were run but cannot show anything: neither their code, nor the notebook's functions that it
    calls, call anything that prints or shows. It is right that they have no output."""
    parsed = list(trees(notebook))
    calls: dict[str, set[str]] = {}
    for tree in (*(tree for _, tree in parsed), *modules(notebook.helpers).values()):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                calls.setdefault(node.name, set()).update(shown_by(node))
            elif isinstance(node, ast.ClassDef):
                calls.setdefault(node.name, set()).update(("__init__", "__call__", "forward"))
    for cell, tree in parsed:
        ending = tree.body[-1] if tree.body else None
        value = isinstance(ending, ast.Expr) and not NO_VALUE & plainly([*called(ending.value)][:1])
        if cell.count is None or MAGIC.search(cell.source) or value:
            continue
        reached, waiting = set[str](), shown_by(tree)
        while waiting:
            name = waiting.pop()
            reached.add(name)
            waiting |= calls.get(name, set()) - reached
        if not any(map(SPEAKS.fullmatch, reached)):
            yield cell.number


def shown_by(tree: ast.AST) -> set[str]:
    """Names of all that some code calls, without a `print` or `write` that goes into files alone."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return plainly(name for call in calls if not into_file(call) for name in islice(called(call), 1))


def into_file(call: ast.Call) -> bool:
    """Whether a `print` or `write` goes into a file, so that nothing is shown."""
    match call:
        case ast.Call(func=ast.Name(id="print"), keywords=words):
            return any(word.arg == "file" and not SCREEN.search(unparsed(word.value)) for word in words)
        case ast.Call(func=ast.Attribute(attr="write", value=written)):
            return not SCREEN.search(unparsed(written))
    return False


def plainly(names: Iterable[str]) -> set[str]:
    """Names of functions and methods alike."""
    return {name.removeprefix(".") for name in names}


def roots(tree: ast.AST) -> Iterator[str]:
    """Yield the packages that some code imports; of `torchvision.utils` no other name is known to draw."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "own").partition(".")[0] if not node.level else "own"
        elif isinstance(node, ast.Name) and node.id in ("__import__", "importlib", "display"):
            yield "unknown"


def names_bound(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest


def used(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a cell certainly reads: those outside of functions, branches and what may be skipped."""
    left: list[ast.AST] = list(reversed(tree.body))
    while left:
        node = left.pop()
        if isinstance(node, BLOCKS):
            continue
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):  # its body may never run
            left.append(node.iter)
        elif isinstance(node, ast.IfExp):
            left.append(node.test)
        elif isinstance(node, ast.BoolOp):
            left.append(node.values[0])
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            left.append(node.generators[0].iter)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif not isinstance(node, ast.Lambda):
            left += reversed(list(ast.iter_child_nodes(node)))
