"""Removes checks that are not visible from a homework's files: a handout holds only their place and points."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from grader.model import Rubric
from grader.release.archive import text


def without_unseen(files: Mapping[str, bytes | Path], plan: Rubric, name: str) -> dict[str, bytes | Path]:
    """The files of a homework, which lie under `name`, without what only its invisible checks need. rubric.yaml keeps
    their places and points, under names that reveal nothing."""
    lines = [line for item in plan.items for line in item.checks]
    unseen = [line.name for line in lines if line.visibility != "visible"]
    if not unseen:
        return dict(files)
    code = without({path: text(file) for path, file in files.items() if path.endswith(".py")}, unseen)
    told = text(files[f"{name}/rubric.yaml"])
    for number, one in enumerate(unseen, start=1):
        told = re.sub(rf"(?<![\w-]){re.escape(one)}(?![\w-])", f"later_{number}", told)
    found = {path: content.encode() for path, content in code.items()}
    return {**files, **found, f"{name}/rubric.yaml": told.encode()}


def without(code: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """The sources without the checks of these names, and without what then nothing uses."""
    trees = {path: ast.parse(content) for path, content in code.items()}
    gone = {path: {name for node in tree.body for name in defined(node) & set(names)} for path, tree in trees.items()}
    while True:
        abroad = {name for path, tree in trees.items() for node in kept(tree, gone[path]) for name in shared_in(node)}
        more = {path: unused(tree, gone[path], abroad) for path, tree in trees.items()}
        if not any(more.values()):
            return {path: cut(code[path], trees[path], gone[path]) for path in code}
        gone = {path: gone[path] | more[path] for path in code}


def kept(tree: ast.Module, gone: Collection[str]) -> list[ast.stmt]:
    return [node for node in tree.body if not defined(node) & set(gone)]


def unused(tree: ast.Module, gone: Collection[str], abroad: Collection[str]) -> set[str]:
    """What only the definitions in `gone` use, here and in other files."""
    by_gone = {name for node in tree.body if defined(node) & set(gone) for name in names_in(node)}
    used = {name for node in kept(tree, gone) for name in names_in(node) - defined(node)}
    there = {name for node in kept(tree, gone) for name in defined(node)}
    return (there & by_gone) - used - set(abroad)


def shared_in(node: ast.stmt) -> set[str]:
    """Names of other files: what is imported from them, and attributes."""
    found = {one.name for one in ast.walk(node) if isinstance(one, ast.alias)}
    return found | {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def names_in(node: ast.AST) -> set[str]:
    """What a statement may use: names, attributes, and what it imports."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
        elif isinstance(one, ast.alias):
            found.add(one.name.rpartition(".")[2])
    return found


def cut(content: str, tree: ast.Module, gone: Collection[str]) -> str:
    """The source without the lines of these definitions, and without imports that nothing uses then."""
    lines: list[str | None] = list(content.split("\n"))
    left: list[ast.stmt] = []
    for node in tree.body:
        if not defined(node) & set(gone):
            left.append(node)
            continue
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        while first > 1 and (lines[first - 2] or "").lstrip().startswith("#"):
            first -= 1  # what a comment above it says is said of it
        lines[first - 1 : node.end_lineno] = [None] * ((node.end_lineno or first) - first + 1)
    used = {name for node in left if not isinstance(node, ast.Import | ast.ImportFrom) for name in names_in(node)}
    for node in left:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
            names = {one.asname or one.name.partition(".")[0] for one in node.names}
            if gone and not names & used:
                lines[node.lineno - 1 : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(line for line in lines if line is not None)
