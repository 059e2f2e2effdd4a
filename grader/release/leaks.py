"""Finds statements of the solution in a handout. It compares syntax trees in which names are numbered by their order,
so another name or another layout hides nothing. A file that is no code is searched as text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from grader import handout
from grader.model import Rubric
from grader.release.archive import text

LEAST = 5  # expressions in a statement, below which it is everybody's: `a = b * c`, `n = x.shape[0]`
TEXTS = (".yaml", ".yml", ".md", ".txt", ".json", ".toml", ".cfg", ".html", ".svg")


def leaks(files: Mapping[str, bytes | Path], root: Path, plan: Rubric) -> Iterator[str]:
    """A sentence for each statement in `files` that is one of the marked solution in `root`."""
    known = {normal(node): (name, ast.unparse(node)) for name, node in solutions(root, plan)}
    written = {squeezed(code): name for name, code in known.values()}
    for path, content in files.items():
        for code in sources(path, content):
            for node in statements(code):
                if found := known.get(normal(node)):
                    yield said(f"{path}:{node.lineno}", found[0], ast.unparse(node))
        if path.endswith(TEXTS):
            inside = squeezed(text(content))
            yield from (said(path, name, code) for code, name in written.items() if code in inside)


def said(place: str, name: str, code: str) -> str:
    return (
        f"{place} holds a statement of the solution in {name}: {code}; move it into a `trusted` module of the "
        "reference, or leave the file out"
    )


def solutions(root: Path, plan: Rubric) -> Iterator[tuple[str, ast.stmt]]:
    """File of the reference, and each statement of its marked regions."""
    for name in handout.sources(plan):
        for code in sources(name, root / "reference" / name):
            marked = marked_lines(code)
            yield from ((name, node) for node in statements(code) if node.lineno in marked)


def sources(path: str, content: bytes | Path) -> list[str]:
    """The Python in a file: a script, or the cells of a notebook."""
    if path.endswith(".py"):
        return [text(content)]
    if not path.endswith(".ipynb"):
        return []
    return ["".join(cell["source"]) for cell in json.loads(text(content))["cells"] if cell["cell_type"] == "code"]


def marked_lines(code: str) -> set[int]:
    inside, marked = False, set[int]()
    for number, line in enumerate(code.split("\n"), start=1):
        inside = (inside or bool(handout.BEGIN.fullmatch(line))) and not handout.END.fullmatch(line)
        marked |= {number} if inside else set()
    return marked


def statements(code: str) -> list[ast.stmt]:
    """The statements that say how something is computed; none of a cell that only Jupyter can read."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return []
    return [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and tells(node)]


def squeezed(code: str) -> str:
    return re.sub(r"\s+", "", code)


def tells(node: ast.stmt) -> bool:
    """Whether a statement says how something is computed; `a, b = f(c)` and `return a, b` are everybody's."""
    computes = any(isinstance(one, ast.operator | ast.unaryop | ast.cmpop) for one in ast.walk(node))
    own = sum(isinstance(one, ast.expr) for one in ast.walk(node))
    return isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Expr) and computes and own >= LEAST


def normal(node: ast.stmt) -> str:
    """A statement as text with its names numbered in the order in which they come."""
    numbers: dict[str, str] = {}
    copied = ast.parse(ast.unparse(node))
    for one in ast.walk(copied):
        if isinstance(one, ast.Name):
            one.id = numbers.setdefault(one.id, f"_{len(numbers)}")
    return ast.dump(copied)
