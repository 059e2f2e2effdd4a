"""Small questions about the syntax tree of a notebook's code."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from ..training.syntax import callee, nonlocals_of, unparsed

SHOWN = 60  # characters of code in a sentence


def called(node: ast.AST) -> str:
    """The last part of what a call calls; "" for anything else."""
    return callee(node) if isinstance(node, ast.Call) else ""


def given(call: ast.Call) -> list[ast.expr]:
    """The values of a call's arguments."""
    return [*call.args, *(one.value for one in call.keywords)]


def calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def texts(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            yield one.value


def identifiers(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.keyword) and one.arg:
            yield one.arg


def shown(node: ast.AST) -> str:
    """The code of a node, cut to a length."""
    text = " ".join(unparsed(node).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def tell_apart(node: ast.AST, number: int) -> None:
    """Give the names that belong to a function or a comprehension a key of their own. Outer ones come first."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        own = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
        inside: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        own, inside = set(), [one.target for one in node.generators]
    else:
        return
    while inside:
        one = inside.pop()
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            own.add(one.id)
        inside += ast.iter_child_nodes(one)
    own -= nonlocals_of(node)
    for one in ast.walk(node):
        name = one.id if isinstance(one, ast.Name) else one.arg if isinstance(one, ast.arg) else ""
        if name in own:
            vars(one)["key"] = f"{name} in {number}"


def key(node: ast.Name | ast.arg) -> str:
    """A name, told apart from its namesakes elsewhere."""
    return str(getattr(node, "key", node.id if isinstance(node, ast.Name) else node.arg))


def root(node: ast.AST) -> str:
    """The key of the name that an attribute or an element belongs to; "" for anything else."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return key(node) if isinstance(node, ast.Name) else ""


def place(node: ast.AST) -> str:
    """What holds a value: a name's key, or ".a" for the attribute a of any object; "" for all else."""
    return key(node) if isinstance(node, ast.Name) else f".{node.attr}" if isinstance(node, ast.Attribute) else ""


def attribute(node: ast.AST) -> str:
    """ ".a" for the attribute a of any object, and for what is in it; "" for all else."""
    while isinstance(node, ast.Subscript | ast.Starred):
        node = node.value
    return f".{node.attr}" if isinstance(node, ast.Attribute) else ""


def in_order(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that are run one after another, also those inside `with`, `try` and `if True`."""
    for one in body:
        if isinstance(one, ast.With | ast.Try) or (isinstance(one, ast.If) and isinstance(one.test, ast.Constant)):
            yield from in_order(one.body)
        else:
            yield one


def assigned(one: ast.stmt) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield the names that an assignment gives a value of their own, and this value; None for a part of one."""
    if not isinstance(one, ast.Assign):
        return
    for target in one.targets:
        whole = target.value if isinstance(target, ast.Subscript) and unparsed(target.slice) == ":" else target
        if isinstance(whole, ast.Name):
            yield whole.id, one.value
        elif isinstance(whole, ast.Tuple):
            values = one.value.elts if isinstance(one.value, ast.Tuple) else []
            for at, part in enumerate(whole.elts):
                if isinstance(part, ast.Name):
                    yield part.id, values[at] if len(values) == len(whole.elts) else None
