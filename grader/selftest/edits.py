"""Makes mistakes in how a formula is written: each changes the source of one function.

A mistake belongs to an operator, named as the field names it. Only what students write is changed: the marked regions
of the reference, or the whole function if it has none.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

AXIS, SIGN, FACTOR, MISSING, KINK = "axis", "sign", "factor", "missing term", "kink"
LABEL, WRONG, GENERAL = "label base", "wrong parameter", "general"
BEGIN, END = "# BEGIN SOLUTION", "# END SOLUTION"
REDUCTIONS = {"sum": "mean", "mean": "sum", "max": "min", "min": "max", "argmax": "argmin", "argmin": "argmax"}
ONE_ARGUMENT = {"exp", "log", "sqrt", "tanh", "abs", "square", "cos", "sin", "log1p", "expm1", "sigmoid", "softmax"}
ZEROS = {"zeros", "zeros_like", "new_zeros"}  # functions whose answer is the same twice and negated
EVEN = {"abs", "absolute", "fabs", "square"}  # functions of a number that its sign does not change
OTHER_LOGS = {"log": ("log10", "log2", "log1p"), "exp": ("expm1", "exp2")}


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes `start` to `end` of a file become `new`."""

    operator: str
    start: int
    end: int
    new: str

    def made_in(self, content: bytes) -> bytes:
        return content[: self.start] + self.new.encode() + content[self.end :]

    def change(self, content: bytes) -> str:
        """The change in a line: "x > 0 -> x < 0"."""
        old = " ".join(content[self.start : self.end].decode().split())
        return f"{old} -> {' '.join(self.new.split()) or 'nothing'}"


class Places:
    """Where the nodes of a file lie in its bytes."""

    def __init__(self, content: bytes) -> None:
        self.starts = [0]
        for line in content.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset


def edits(content: bytes, function: ast.FunctionDef) -> Iterator[Edit]:
    """Every mistake in one function of a file, each once."""
    places, seen = Places(content), {meaning(content), None}
    asked = regions(content)
    parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    names = [name for name in (*parameters, *assigned(function)) if name not in ("self", "cls")]
    unsigned = {id(found) for one in ast.walk(function) if (found := whose_sign_is_lost(one)) is not None}
    for statement in function.body:
        for node in ast.walk(statement):
            if not isinstance(node, ast.expr | ast.stmt) or is_docstring(node, function):
                continue
            start, end = places.span(node)
            if asked and not any(first <= start and end <= last for first, last in asked):
                continue
            for operator, new in mistakes(node, names):
                if id(node) in unsigned and new == negated(node):
                    continue
                edit = Edit(operator, start, end, new.replace("\n", "\n" + " " * node.col_offset))
                made = meaning(edit.made_in(content))
                if made not in seen:
                    seen.add(made)
                    yield edit


def regions(content: bytes) -> list[tuple[int, int]]:
    """The marked regions of a file."""
    found, at = [], 0
    while (first := content.find(BEGIN.encode(), at)) >= 0:
        at = content.find(END.encode(), first)
        if at < 0:
            break
        found.append((first, at))
    return found


def meaning(content: bytes) -> str | None:
    """What a file says, whatever its form; None for one that is no Python."""
    try:
        return ast.dump(ast.parse(content))
    except SyntaxError:
        return None


def is_docstring(node: ast.AST, function: ast.FunctionDef) -> bool:
    first = function.body[0]
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and node in (first, first.value)


def whose_sign_is_lost(node: ast.AST) -> ast.expr | None:
    """What `(...) ** 2`, `abs(...)` and `np.square(...)` are of."""
    match node:
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int() as power)) if power % 2 == 0:
            return left
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[one], keywords=[]):
            return one if name in EVEN else None
    return None


def is_zeros(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name in ZEROS
    return False


def negated(node: ast.AST) -> str:
    """The other sign of a difference or of what has a minus, as `mistakes` writes it."""
    match node:
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return f"({within(b)} - {within(a)})"
        case ast.UnaryOp(op=ast.USub(), operand=a):
            return within(a)
    return ""


def assigned(function: ast.FunctionDef) -> list[str]:
    """Local names, in the order in which they are given a value."""
    stored = [node for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return list(dict.fromkeys(node.id for node in sorted(stored, key=lambda node: (node.lineno, node.col_offset))))


def mistakes(node: ast.expr | ast.stmt, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """How one part of a function may be written by mistake: the operator, and the new text."""
    for kind, found in KINDS:
        if isinstance(node, kind):
            yield from ((operator, text) for operator, text in found(node, names))


def text(node: ast.AST) -> str:
    return ast.unparse(node)


def within(node: ast.expr) -> str:
    """As `text`, in brackets where it needs them beside an operator."""
    plain = isinstance(node, ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript | ast.Tuple)
    return text(node) if plain else f"({text(node)})"


def of_two(node: ast.BinOp, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    a, b = within(node.left), within(node.right)
    match node.op:
        case ast.Add():
            yield from ((SIGN, f"({a} - {b})"), (MISSING, a), (MISSING, b), (GENERAL, f"({a} * {b})"))
        case ast.Sub():
            yield from ((SIGN, f"({a} + {b})"), (SIGN, f"({b} - {a})"), (MISSING, a), (MISSING, f"(-{b})"))
        case ast.Mult():
            yield from ((FACTOR, a), (FACTOR, b), (GENERAL, f"({a} + {b})"), (FACTOR, f"({a} / {b})"))
        case ast.Div() | ast.FloorDiv():
            yield from ((FACTOR, a), (FACTOR, f"({a} * {b})"), (WRONG, f"({b} / {a})"), (GENERAL, f"({a} // {b})"))
        case ast.Pow():
            yield from ((FACTOR, a), (GENERAL, f"({a} * {b})"))
        case ast.MatMult():
            yield from ((AXIS, f"({a} @ {b}).T"), (AXIS, f"({b} @ {a})"), (GENERAL, f"({a} * {b})"))


def of_one(node: ast.UnaryOp, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node.op, ast.USub):
        yield SIGN, within(node.operand)
    elif isinstance(node.op, ast.Not):
        yield GENERAL, within(node.operand)


def of_call(node: ast.Call, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in REDUCTIONS:
        yield FACTOR if name in ("sum", "mean") else WRONG, text(renamed(node, REDUCTIONS[name]))
    yield from of_axis(node)
    if name in ONE_ARGUMENT and len(node.args) == 1:
        yield MISSING, within(node.args[0])
        yield from ((FACTOR, text(renamed(node, other))) for other in OTHER_LOGS.get(name, ()))
    if name in ("maximum", "max", "clip") and len(node.args) >= 2:
        x, bound = text(node.args[0]), text(node.args[1])
        call = text(node.func)
        whole, least = text(node), call.replace("maximum", "minimum").replace("max", "min")
        yield from ((KINK, f"{least}({x}, {bound})"), (KINK, f"{call}({x}, {bound} + 0.01)"), (MISSING, x))
        yield from ((KINK, f"{call}({x}, 0.01 * {within(node.args[0])})"), (KINK, f"{least}({whole}, 6)"))
        yield from ((KINK, f"abs({x})"), (KINK, f"{call}({x}, -1)"))
    if len(node.args) == 2 and not any(isinstance(one, ast.Starred) for one in node.args):
        yield WRONG, text(ast.Call(node.func, node.args[::-1], node.keywords))
    for at, keyword in enumerate(node.keywords):
        if keyword.arg not in ("axis", "keepdims"):
            yield MISSING, text(ast.Call(node.func, node.args, [*node.keywords[:at], *node.keywords[at + 1 :]]))


def renamed(node: ast.Call, name: str) -> ast.Call:
    """A call of another function of the same owner."""
    func = node.func
    other = ast.Attribute(func.value, name, ast.Load()) if isinstance(func, ast.Attribute) else ast.Name(name)
    return ast.Call(other, node.args, node.keywords)


def of_axis(node: ast.Call) -> Iterator[tuple[str, str]]:
    for at, keyword in enumerate(node.keywords):
        others = [*node.keywords[:at], *node.keywords[at + 1 :]]
        if keyword.arg in ("axis", "keepdims", "dim", "keepdim"):
            yield AXIS, text(ast.Call(node.func, node.args, others))
        if keyword.arg in ("axis", "dim"):
            for axis in ("0", "1"):
                changed = ast.keyword(keyword.arg, ast.parse(axis, mode="eval").body)
                keywords = [*node.keywords[:at], changed, *node.keywords[at + 1 :]]
                yield AXIS, text(ast.Call(node.func, node.args, keywords))


def of_attribute(node: ast.Attribute, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if node.attr == "T" and isinstance(node.ctx, ast.Load):
        yield AXIS, within(node.value)


def of_comparison(node: ast.Compare, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if len(node.ops) != 1:
        return
    a, b = within(node.left), within(node.comparators[0])
    signs = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!="}
    own = signs.get(type(node.ops[0]), "")
    if own in (">", ">=", "<", "<="):
        others = {">": (">=", "<"), ">=": (">", "<="), "<": ("<=", ">"), "<=": ("<", ">=")}[own]
        yield from ((KINK, f"({a} {other} {b})") for other in others)
        yield from ((KINK, f"({a} {own} {b} + 0.01)"), (KINK, f"({a} {own} {b} - 1)"), (KINK, f"({a} != {b})"))
    elif own:
        yield GENERAL, f"({a} {'!=' if own == '==' else '=='} {b})"
        if isinstance(node.comparators[0], ast.Constant) and isinstance(node.comparators[0].value, int):
            yield from ((LABEL, f"({a} {own} {b} - 1)"), (LABEL, f"({a} {own} {b} + 1)"))


def of_choice(node: ast.IfExp, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    test, yes, no = map(text, (node.test, node.body, node.orelse))
    yield from ((WRONG, f"({no} if {test} else {yes})"), (KINK, f"({yes})"), (KINK, f"({no})"))


def of_constant(node: ast.Constant, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    value = node.value
    if isinstance(value, bool):
        yield GENERAL, str(not value)
    elif isinstance(value, int | float):
        yield from ((GENERAL, f"{value + 1}"), (GENERAL, f"({value - 1})"))
        if value:
            yield from ((FACTOR, f"{2 * value}"), (FACTOR, f"{value / 2}"), (SIGN, f"(-{value})"))
            yield FACTOR, f"{value * 1.001}"


def of_name(node: ast.Name, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if isinstance(node.ctx, ast.Load) and node.id in names:
        at = names.index(node.id)
        others = [*names[at + 1 :], *names[:at]]
        near = [others[0], others[-1]] if len(others) > 1 else others
        yield from ((WRONG, other) for other in dict.fromkeys(near))


def of_subscript(node: ast.Subscript, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(node.slice, ast.Tuple) or len(node.slice.elts) != 2:
        return
    owner, first, second = within(node.value), text(node.slice.elts[0]), text(node.slice.elts[1])
    yield from ((LABEL, f"{owner}[{first}, {second} - 1]"), (AXIS, f"{owner}[{second}, {first}]"))
    yield from ((AXIS, f"{owner}[:, {second}]"), (AXIS, f"{owner}[{first}, :]"))


def of_container(node: ast.Tuple | ast.List | ast.Dict, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Two neighbours exchanged; of a dict the values."""
    parts = node.values if isinstance(node, ast.Dict) else node.elts
    for at in range(len(parts) - 1):
        swapped = [*parts[:at], parts[at + 1], parts[at], *parts[at + 2 :]]
        if isinstance(node, ast.Dict):
            yield WRONG, text(ast.Dict(node.keys, swapped))
        elif isinstance(node.ctx, ast.Load):
            yield WRONG, text(type(node)(swapped, ast.Load()))
    if isinstance(node, ast.Dict):
        for at in range(len(parts)):
            rest = [one for i, one in enumerate(node.keys) if i != at]
            yield MISSING, text(ast.Dict(rest, [one for i, one in enumerate(parts) if i != at]))


def of_update(node: ast.AugAssign, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    target, value = text(node.target), text(node.value)
    yield MISSING, "pass"
    match node.op:
        case ast.Add():
            yield from ((SIGN, f"{target} -= {value}"), (MISSING, f"{target} = {value}"))
        case ast.Sub():
            yield from ((SIGN, f"{target} += {value}"), (MISSING, f"{target} = -({value})"))
        case ast.Div():
            yield from ((FACTOR, f"{target} *= {value}"), (FACTOR, f"{target} /= ({value}) ** 2"))
        case ast.Mult():
            yield FACTOR, f"{target} /= {value}"
    yield GENERAL, text(node) + "; " + text(node)


def of_assignment(node: ast.Assign, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    target = text(node.targets[0])
    if not isinstance(node.value, ast.Tuple | ast.Dict | ast.List | ast.Constant) and not is_zeros(node.value):
        yield from ((FACTOR, f"{target} = 2 * ({text(node.value)})"), (SIGN, f"{target} = -({text(node.value)})"))
    if not isinstance(node.targets[0], ast.Name | ast.Tuple):
        yield MISSING, "pass"


def of_loop(node: ast.For, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    over = text(node.iter)
    for part in (f"list({over})[1:]", f"list({over})[:1]", f"list({over})[:-1]"):
        yield MISSING, text(ast.For(node.target, ast.Name(part), node.body, node.orelse, lineno=0))


def of_branch(node: ast.If, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for test in ("True", "False", f"not ({text(node.test)})"):
        yield KINK, text(ast.If(ast.Name(test), node.body, node.orelse))


def of_statement(node: ast.Expr, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield MISSING, "pass"


Mistakes = Callable[[Any, Sequence[str]], Iterator[tuple[str, str]]]
KINDS: tuple[tuple[type | tuple[type, ...], Mistakes], ...] = (
    (ast.BinOp, of_two),
    (ast.UnaryOp, of_one),
    (ast.Call, of_call),
    (ast.Attribute, of_attribute),
    (ast.Compare, of_comparison),
    (ast.IfExp, of_choice),
    (ast.Constant, of_constant),
    (ast.Name, of_name),
    (ast.Subscript, of_subscript),
    ((ast.Tuple, ast.List, ast.Dict), of_container),
    (ast.AugAssign, of_update),
    (ast.Assign, of_assignment),
    (ast.For, of_loop),
    (ast.If, of_branch),
    (ast.Expr, of_statement),
)
