"""Removes checks that are not visible from a homework's files: a handout holds only their place and points."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePath

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
        left = {path: kept(tree, gone[path]) for path, tree in trees.items()}
        abroad = {name for nodes in left.values() for name in shared_in(nodes)}
        going = {path: [node for node in tree.body if node not in left[path]] for path, tree in trees.items()}
        more = {path: unused(nodes, path, going, abroad) for path, nodes in left.items()}
        if not any(more.values()):
            return {path: cut(code[path], trees[path], left[path]) for path in code}
        gone = {path: gone[path] | more[path] for path in code}


def kept(tree: ast.Module, gone: Collection[str]) -> list[ast.stmt]:
    """The statements that stay: all but the definitions in `gone`, and but what is imported for these alone."""
    left = [node for node in tree.body if not defined(node) & set(gone)]
    used = {name for node in left if not imports(node) for name in names_in(node)}
    by_gone = {name for node in tree.body if defined(node) & set(gone) for name in names_in(node)} - used
    found: list[ast.stmt] = []
    for node in left:
        needed = [one for one in imports(node) if (one.asname or one.name.partition(".")[0]) not in by_gone]
        if needed == imports(node):
            found.append(node)
        elif needed:
            found.append(ast.copy_location(type(node)(**{**vars(node), "names": needed}), node))
    return found


def unused(
    left: Sequence[ast.stmt], path: str, going: Mapping[str, Sequence[ast.stmt]], abroad: Collection[str]
) -> set[str]:
    """What the statements of a file define for others alone that are `going`, here or in other files."""
    by_gone = {name for node in going[path] for name in names_in(node)}
    by_gone |= {name for nodes in going.values() for node in nodes for name in taken(node, PurePath(path).stem)}
    used = {name for node in left for name in names_in(node) - defined(node)}
    there = {name for node in left for name in defined(node)}
    return (there & by_gone) - used - set(abroad)


def taken(node: ast.stmt, module: str) -> set[str]:
    """The names of a module that a statement imports, or reads as `module.name`."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.ImportFrom) and (one.module or "").rpartition(".")[2] == module:
            found |= {alias.name for alias in one.names}
        elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == module:
            found.add(one.attr)
    return found


def shared_in(left: Sequence[ast.stmt]) -> set[str]:
    """Names of other files: what is imported from them, and attributes; any name where all of a file are imported."""
    found: set[str] = set()
    for one in (one for node in left for one in ast.walk(node)):
        if isinstance(one, ast.alias):
            found |= {name for node in left for name in names_in(node)} if one.name == "*" else {one.name}
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
    return found


def imports(node: ast.stmt) -> list[ast.alias]:
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


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


def cut(content: str, tree: ast.Module, left: Collection[ast.stmt]) -> str:
    """The source without the lines of all but these statements."""
    lines: list[str | None] = list(content.split("\n"))
    places = {(node.lineno, node.col_offset): node for node in left}
    for node in (one for one in tree.body if one not in left):
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        while first > 1 and (lines[first - 2] or "").lstrip().startswith("#") and not imports(node):
            first -= 1  # what a comment above it says is said of it
        lines[first - 1 : node.end_lineno] = [None] * ((node.end_lineno or first) - first + 1)
        if (rest := places.get((node.lineno, node.col_offset))) is not None:
            lines[first - 1] = ast.unparse(rest)  # an import of fewer names
    return "\n".join(line for line in lines if line is not None)
