"""Finds the lines of a student's functions, and of what they return, for messages such as "network.py:31". Nothing is
run.

A part of an answer has a line if the function has one return, which either holds the part or names it, and the name
gets its value in one place. Otherwise the function's own line is used, because a wrong line would be worse.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from grader.intake.repair import LARGEST, tree_of

MOST = 2000  # definitions of a file
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
SCOPES = (*DEFINITIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
LEAVING = (ast.Yield, ast.YieldFrom, ast.Await, ast.Global, ast.Nonlocal)
STORING = (ast.arg, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.For, ast.NamedExpr, ast.With, ast.Delete, ast.Expr)
TELLING = (ast.Return, *LEAVING, *STORING)
LEAVES = {ast.Name, ast.Constant, ast.Load, ast.Store}
Key = int | str


def definitions(name: str, source: bytes) -> dict[str, int]:
    """The line of the last `def` or `class` of each "function", "Class" and "Class.method" of a Python file, and of the
    parts of its answer that are known: "function[1]", "Class.method['w']".

    Never raises for what a student wrote. To be called in a reader; see sandbox/reader.py.
    """
    tree = tree_of(source) if name.endswith(".py") and len(source) <= LARGEST else None
    found: dict[str, int] = {}
    for node in (one for one in (tree.body if tree else ()) if isinstance(one, DEFINITIONS)):
        found = without(found, node.name)  # the last one is what Python keeps
        found |= lines_of(node.name, node)
        inner = node.body if isinstance(node, ast.ClassDef) else []
        for one in inner:
            if isinstance(one, DEFINITIONS):
                path = f"{node.name}.{one.name}"
                found = without(found, path) | lines_of(path, one)
        if len(found) > MOST:
            break
    return found


def without(found: dict[str, int], path: str) -> dict[str, int]:
    """What is known of all but a definition and what is in it."""
    if path not in found:
        return found
    return {
        name: line for name, line in found.items() if name != path and not name.startswith((f"{path}.", f"{path}["))
    }


def lines_of(path: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> dict[str, int]:
    found = {path: node.lineno}
    if isinstance(node, ast.FunctionDef):
        found |= {subscripted(path, place): line for place, line in answer_lines(node)}
    return found


def subscripted(path: str, place: tuple[Key, ...]) -> str:
    """How a part of an answer is named: f[1]['w']."""
    return path + "".join(f"[{key!r}]" for key in place)


def answer_lines(function: ast.FunctionDef) -> Iterator[tuple[tuple[Key, ...], int]]:
    """The place of each part of a function's answer whose line is known, and the line."""
    own = within(function)
    returns = [node for node in own if isinstance(node, ast.Return)]
    if function.decorator_list or len(returns) != 1 or returns[0].value is None:
        return
    if not any(isinstance(node, LEAVING) for node in own):
        yield from parts(returns[0].value, own, ())


def within(function: ast.AST) -> list[ast.AST]:
    """The nodes of a function, in order, that may bind a name or leave the function, but none inside of a nested
    scope."""
    found: list[ast.AST] = []
    waiting = children(function)
    while waiting:
        node = waiting.pop()
        if isinstance(node, TELLING):
            found.append(node)
        if not isinstance(node, SCOPES):
            waiting += children(node)
    return found


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, the last one first, without the many that have none themselves."""
    found: list[ast.AST] = []
    for name in reversed(node._fields):
        value = getattr(node, name, None)
        for one in reversed(value) if type(value) is list else (value,):
            if isinstance(one, ast.AST) and type(one) not in LEAVES:
                found.append(one)
    return found


def parts(value: ast.expr, own: list[ast.AST], place: tuple[Key, ...]) -> Iterator[tuple[tuple[Key, ...], int]]:
    """The lines of what an expression of the answer is, or of its parts."""
    if isinstance(value, ast.Name):
        found = stores(value.id, own)
        first, rest = (found[0], found[1:]) if found else (None, [])
        literal = isinstance(first, ast.Assign) and is_name(first.targets) and first.value
        if isinstance(literal, ast.Dict) and rest:
            yield from entries(literal, rest, place)
            return
        if first is None or isinstance(first, ast.arg) or rest:
            return
        if not isinstance(literal, ast.Tuple | ast.List | ast.Dict):
            yield place, first.lineno
            return
        value = literal
    if isinstance(value, ast.Tuple | ast.List):
        if not any(isinstance(part, ast.Starred) for part in value.elts):
            for at, part in enumerate(value.elts):
                yield from parts(part, own, (*place, at))
    elif isinstance(value, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
        if all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys):
            for key, part in zip(keys, value.values, strict=True):
                yield from parts(part, own, (*place, str(key)))
    elif not isinstance(value, ast.Constant | ast.Attribute | ast.Starred | ast.IfExp):
        yield place, value.lineno


def entries(
    literal: ast.Dict, later: Sequence[ast.AST], place: tuple[Key, ...]
) -> Iterator[tuple[tuple[Key, ...], int]]:
    """The lines of a dict's entries, each of which is written once: in the literal, or as `grads["w"] = ...` later."""
    written: list[tuple[ast.expr | None, int]] = [
        (key, value.lineno) for key, value in zip(literal.keys, literal.values, strict=True)
    ]
    for node in later:
        match node:
            case ast.Assign(targets=[ast.Subscript(slice=key)]) | ast.AugAssign(target=ast.Subscript(slice=key)):
                written.append((key, node.lineno))
            case _:
                return
    names = [key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None for key, _ in written]
    if None not in names:
        for name, (_, line) in zip(names, written, strict=True):
            if names.count(name) == 1:
                yield (*place, str(name)), line


def is_name(targets: list[ast.expr]) -> bool:
    return len(targets) == 1 and isinstance(targets[0], ast.Name)


def stores(name: str, own: list[ast.AST]) -> list[ast.stmt | ast.expr | ast.arg]:
    """Each place that binds a name, or may change a part of its value. A parameter is such a place, too."""
    found: list[ast.stmt | ast.expr | ast.arg] = []
    for node in own:
        targets: Sequence[ast.expr]
        match node:
            case ast.arg():
                found += [node] if node.arg == name else []
                continue
            case ast.Assign():
                targets = node.targets
            case ast.AugAssign() | ast.AnnAssign() | ast.For() | ast.NamedExpr():
                targets = [node.target]
            case ast.With():
                targets = [one.optional_vars for one in node.items if one.optional_vars is not None]
            case ast.Delete():
                targets = node.targets
            case ast.Expr(value=ast.Call(func=called, args=args)):  # a method of it, or what it is passed to
                targets = [*args, *((called.value,) if isinstance(called, ast.Attribute) else ())]
            case _:
                continue
        found += [node for target in targets if name in changed(target)]
    return found


def changed(target: ast.expr) -> Iterator[str]:
    """The names that an assignment to a target changes, in whole or in part."""
    if isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from changed(one)
    elif isinstance(target, ast.Starred | ast.Subscript | ast.Attribute):
        yield from changed(target.value)
    elif isinstance(target, ast.Name):
        yield target.id
