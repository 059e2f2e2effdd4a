"""Reads hyperparameters from a train.py without running it: follows its `main` as far as the values are constants.

A value that comes from a loop, a function or a config object cannot be followed. Such a name is unreadable, with line
and reason. To get it, `main` has to be run in a student's process.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from . import BEST, OVERFIT
from .syntax import (
    callee,
    copied,
    held_out,
    nonlocals_of,
    own_parts,
    retouched,
    sliced,
    stored,
    stores,
    used,
    used_in_part,
)

NAMES = ("num_train", "hidden_dim", "batch_size", "num_epochs", "learning_rate", "reg")
WEIGHT_SCALE = "weight_scale"
TEXT, NO_NUMBER = "is a text, not a number", "is None, not a number"
RETOUCHED = "is used with images that main changes"
NO_MAIN = "cannot be read: there is no function main"
USERS = ("SGD", "TwoLayerNet", "load_cifar10", "DataSampler", "training_step")  # what uses the settings
MAX_BITS = 4096  # bits of an integer in constant arithmetic
MAX_PARTS = 1000  # parts of a tuple, including those of tuples in it
MAX_NODES = 20_000  # nodes of a syntax tree, twenty times the solution's; limits the time to compare branches


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a name has no constant value, as the rest of a sentence: "learning_rate", "is assigned in a loop"."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Those of one run. Each of NAMES (and weight_scale, if `main` sets one) is in `values` or in `unreadable`."""

    values: Mapping[str, int | float]
    unreadable: Mapping[str, Unreadable]


@dataclass(frozen=True, slots=True)
class BothRuns:
    """Those of both runs of a train.py. `single`: it never uses `args.run`, so both runs have the same settings."""

    best: Hyperparameters
    overfit: Hyperparameters
    single: bool


def read(source: bytes) -> BothRuns:
    """The hyperparameters at the end of `main`: the last assignment counts. Raises nothing for any file. Call it in a
    reader (see sandbox/reader.py)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the student's invalid escape sequences
            tree = ast.parse(source)
        if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
            raise ValueError
        best, overfit = (Reader(tree, run) for run in (BEST, OVERFIT))
        return BothRuns(best.end(), overfit.end(), single=not (best.asked or asks(tree)))
    except SyntaxError as error:
        nothing = Unreadable(error.lineno or 1, "cannot be read: the file is not Python")
    except (RecursionError, MemoryError, ValueError):  # nested too deep for the parser, null bytes, or too long
        nothing = Unreadable(1, "cannot be read: the file is not Python, too long or nested too deep")
    none = Hyperparameters({}, dict.fromkeys(NAMES, nothing))
    return BothRuns(none, none, single=True)


def asks(tree: ast.Module) -> bool:
    """Whether `args.run` is used anywhere, whatever `args` is called, even in code that cannot be followed, such as a
    `match`. A call of a method of that name is something else."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(), attr="run", ctx=ast.Load()) if id(node) not in called:
                return True
            case ast.Subscript(slice=ast.Constant(value="run")):
                return True
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value="run"), *_]):
                return True
    return False


def parsed_into(main: ast.FunctionDef) -> str:
    """The name in main that holds the command line's arguments, where main parses them itself; "" if it does not."""
    for node in ast.walk(main):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and callee(node.value) == "parse_args":
            return next((target.id for target in node.targets if isinstance(target, ast.Name)), "")
    return ""


class Unknown(Exception):
    """An expression is not a constant."""

    def __init__(self, node: ast.AST, why: str = "is not a constant") -> None:
        self.unreadable = Unreadable(getattr(node, "lineno", 1), why)


class Several(tuple[Any, ...]):
    """A tuple. Tuples in tuples share their parts, so that sixty lines make two that nobody can compare to their end:
    `size` counts what a comparison goes through."""

    size: int


Value = int | float | str | tuple[Any, ...] | None
Names = dict[str, Value | Unreadable]


@dataclass
class Reader:
    """Follows one file with `args.run` equal to `run`; `asked` says whether the file used `args.run`."""

    tree: ast.Module
    run: str
    asked: bool = False
    arguments: str = ""  # main's name for its `args`
    scale: Names = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)  # the line of each name's last assignment

    def end(self) -> Hyperparameters:
        names: Names = {}
        self.block(self.tree.body, names)
        mains = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
        if not mains:
            return Hyperparameters({}, dict.fromkeys(NAMES, Unreadable(1, NO_MAIN)))
        main = mains[-1]
        self.enter(main, names)
        self.block(main.body, names)
        self.distrust(main, names)
        found = {name: names.get(name, Unreadable(main.lineno, "is assigned nowhere")) for name in NAMES} | self.scale
        numbers = {name: numeric(value, self.lines.get(name, main.lineno)) for name, value in found.items()}
        return Hyperparameters(
            {name: value for name, value in numbers.items() if not isinstance(value, Unreadable)},
            {name: value for name, value in numbers.items() if isinstance(value, Unreadable)},
        )

    def enter(self, main: ast.FunctionDef, names: Names) -> None:
        """Bind the parameters of main: the first is `args`, the others get their defaults. Locals hide globals."""
        for name in stored(main):
            names.pop(name, None)
        positional = [*main.args.posonlyargs, *main.args.args]
        for parameter in [*positional, *main.args.kwonlyargs]:
            names[parameter.arg] = Unreadable(main.lineno, "is an argument of main")
        self.arguments = positional[0].arg if positional else parsed_into(main)
        defaults = [*main.args.kw_defaults, *main.args.defaults]
        parameters = [*main.args.kwonlyargs, *positional[len(positional) - len(main.args.defaults) :]]
        for parameter, default in zip(parameters, defaults, strict=True):
            if default is not None:
                names[parameter.arg] = self.known(default, names)

    def distrust(self, main: ast.FunctionDef, names: Names) -> None:
        """Mark as unreadable each name whose value may not be the one used in training: it is never used, used only
        inside an expression, set on an object such as the optimizer, or the images are sliced again."""
        own = stored(main)
        for name in NAMES:
            if name in names and not used(name, main if name in own else self.tree):
                names[name] = Unreadable(main.lineno, "is not what main uses")
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in NAMES:
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                if owner != "self":
                    names[node.attr] = Unreadable(node.lineno, "is set on an object")
            elif isinstance(node, ast.Call) and callee(node) in USERS and not held_out(node):
                self.distrust_changed(node, names)
        for made, line in own_parts(self.tree):
            names |= dict.fromkeys(NAMES, Unreadable(line, f"is used with {made} of train.py's own"))
        for line in copied(self.tree):
            names |= dict.fromkeys(NAMES, Unreadable(line, "is used with copies of the parameters"))
        for line in sliced(self.tree):
            names["num_train"] = Unreadable(line, "is not how many images main trains on: it takes a slice of them")
        for line in retouched(self.tree):
            names |= dict.fromkeys(NAMES, Unreadable(line, RETOUCHED))

    def distrust_changed(self, call: ast.Call, names: Names) -> None:
        """Mark as unreadable each name that stands inside an expression with another value, as in `SGD(2 * rate)`."""
        words = (word.value for word in call.keywords if word.arg != WEIGHT_SCALE)  # `watch` reads that one
        for given in (*(call.args[:3] if callee(call) == "TwoLayerNet" else call.args), *words):
            for name in used_in_part(given).intersection(NAMES):
                if self.known(given, names) != names.get(name):
                    names[name] = Unreadable(call.lineno, f"is changed on its way into {callee(call)}")

    # Statements. Each returns whether the next one is reached.

    def block(self, statements: Sequence[ast.stmt], names: Names) -> bool:
        return all(self.statement(statement, names) for statement in statements)

    def statement(self, node: ast.stmt, names: Names) -> bool:
        match node:
            case ast.If():
                return self.branch(node, names)
            case ast.With():
                self.watch(node.items, names)
                self.forget(node.items, names, "is not a constant")
                return self.block(node.body, names)
            case ast.Try():
                return self.attempt(node, names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                for name in nonlocals_of(node):
                    names[name] = Unreadable(node.lineno, f"is changed inside {node.name}")
                return True
        self.watch([node], names)
        match node:
            case ast.Assign():
                for target in node.targets:
                    self.assign(target, node.value, names)
            case ast.AnnAssign(value=ast.expr() as value):
                self.assign(node.target, value, names)
            case ast.AugAssign(target=ast.Name(id=name)):
                whole = ast.BinOp(ast.Name(name, ast.Load()), node.op, node.value)
                self.assign(node.target, ast.fix_missing_locations(ast.copy_location(whole, node)), names)
            case ast.For() | ast.While():
                self.forget([node], names, "is assigned in a loop")
                self.watch([node], names)  # after `forget`, so that names from the loop are unknown
            case ast.Expr() | ast.AnnAssign():
                pass
            case _:
                self.forget([node], names, "is not a constant")
        return not ends(node)

    def forget(self, nodes: Sequence[ast.AST], names: Names, why: str) -> None:
        for name, line in stores(nodes):
            names[name] = Unreadable(line, why)

    def branch(self, node: ast.If, names: Names) -> bool:
        """Follow the branch that is taken, or both branches if the condition is unknown."""
        self.watch([node.test], names)
        try:
            return self.block(node.body if self.value(node.test, names) else node.orelse, names)
        except Unknown:
            first, second = dict(names), dict(names)
            goes_on = [self.block(node.body, first), self.block(node.orelse, second)]
            ways = [way for way, on in zip((first, second), goes_on, strict=True) if on] or [first, second]
            join(names, ways, node.lineno)
            return any(goes_on)

    def attempt(self, node: ast.Try, names: Names) -> bool:
        """Follow the body, and after it each handler that does not end the function; join what they bind."""
        goes_on = self.block([*node.body, *node.orelse], names)
        ways = [dict(names)] if goes_on else []
        for handler in node.handlers:
            way = dict(names)
            if self.block(handler.body, way):
                ways.append(way)
        if ways:
            join(names, ways, node.lineno)
        return self.block(node.finalbody, names) and bool(ways)

    def assign(self, target: ast.expr, value: ast.expr, names: Names) -> None:
        """Bind a name or a tuple of names to `value`. The right side is read before anything is bound."""
        several = isinstance(target, ast.Tuple | ast.List)
        self.bind(target, self.parts(value, names) if several else self.known(value, names), names)

    def parts(self, value: ast.expr, names: Names) -> Value | Unreadable:
        if not isinstance(value, ast.Tuple | ast.List):
            return self.known(value, names)
        try:
            return several([self.parts(part, names) for part in value.elts], value)
        except Unknown as unknown:
            return unknown.unreadable

    def bind(self, target: ast.expr, constant: Value | Unreadable, names: Names) -> None:
        match target:
            case ast.Name(id=name):
                names[name] = constant
                self.lines[name] = target.lineno
            case ast.Tuple(elts=targets) | ast.List(elts=targets) if isinstance(constant, tuple) and len(
                constant
            ) == len(targets):
                for part, each in zip(targets, constant, strict=True):
                    self.bind(part, each, names)
            case _:
                self.forget([target], names, "is not a constant")

    def watch(self, nodes: Sequence[ast.AST], names: Names) -> None:
        """Note the weight_scale of each TwoLayerNet call (fourth argument or keyword); forget targets of `:=`."""
        for node in chain.from_iterable(map(ast.walk, nodes)):
            if isinstance(node, ast.NamedExpr):
                self.forget([node.target], names, "is not a constant")
            elif isinstance(node, ast.Call) and callee(node) == "TwoLayerNet":
                given = [*node.args[3:4], *(word.value for word in node.keywords if word.arg == WEIGHT_SCALE)]
                self.scale = {WEIGHT_SCALE: self.known(given[0], names)} if given else {}

    # Expressions

    def known(self, node: ast.expr, names: Names) -> Value | Unreadable:
        try:
            return self.value(node, names)
        except Unknown as unknown:
            return unknown.unreadable

    def value(self, node: ast.AST, names: Names) -> Value:
        """The value of a constant expression. Raises Unknown for any other."""
        try:
            match node:
                case ast.Constant(value=int() | float() | str() | None as constant):
                    return constant
                case ast.Name(id=name) if name in names:
                    known = names[name]
                    if isinstance(known, Unreadable):
                        raise Unknown(node)
                    return known
                case ast.Attribute(value=ast.Name(id=name), attr="run") if name and name == self.arguments:
                    self.asked = True
                    return self.run
                case ast.Tuple(elts=parts):
                    return several([self.value(part, names) for part in parts], node)
                case ast.UnaryOp(op=op, operand=operand):
                    unary: int | float | bool = UNARY[type(op)](self.value(operand, names))
                    return unary
                case ast.BinOp(left=left, op=op, right=right):
                    return arithmetic(op, self.value(left, names), self.value(right, names), node)
                case ast.BoolOp(op=op, values=parts):
                    return self.chosen(isinstance(op, ast.Or), parts, names)
                case ast.Compare(left=left, ops=[op], comparators=[right]):
                    return bool(COMPARE[type(op)](self.value(left, names), self.value(right, names)))
                case ast.IfExp(test=test, body=body, orelse=orelse):
                    return self.value(body if self.value(test, names) else orelse, names)
                case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in CALLS and name not in names:
                    given = [self.value(arg, names) for arg in args]
                    if all(isinstance(each, int | float) for each in given):
                        value: int | float = CALLS[name](*given)
                        return value
        except (TypeError, ValueError, ArithmeticError, KeyError):
            pass  # an operator that is not in the tables, or an operation that fails in Python
        raise Unknown(node)

    def chosen(self, stop: bool, parts: Sequence[ast.expr], names: Names) -> Value:
        """`and` and `or` as in Python: the first value whose truth is `stop`, or the last one."""
        value: Value = None
        for part in parts:
            value = self.value(part, names)
            if bool(value) is stop:
                break
        return value


UNARY: dict[type, Callable[[Any], Any]] = {ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Not: operator.not_}
BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda value, among: value in among,
    ast.NotIn: lambda value, among: value not in among,
}
CALLS: dict[str, Callable[..., Any]] = {"int": int, "float": float, "round": round, "abs": abs, "min": min, "max": max}


def several(parts: Sequence[Any], node: ast.AST) -> Several:
    """Raises Unknown for more than MAX_PARTS, those of tuples in it included."""
    found = Several(parts)
    found.size = sum(part.size if isinstance(part, Several) else 1 for part in parts)
    if found.size > MAX_PARTS:
        raise Unknown(node, "is made of too many parts to read")
    return found


def arithmetic(op: ast.operator, left: Value, right: Value, node: ast.AST) -> Value:
    """One operation on two numbers. Raises Unknown before it makes an integer of more than MAX_BITS."""
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        raise Unknown(node)
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length()
        made = {ast.Pow: bits * abs(right), ast.LShift: bits + abs(right)}.get(type(op), bits + right.bit_length())
        if made > MAX_BITS:
            raise Unknown(node, "is an integer too large to read")
    value: int | float | complex = BINARY[type(op)](left, right)
    if isinstance(value, complex):
        raise Unknown(node)
    return value


def numeric(value: Value | Unreadable, line: int) -> int | float | Unreadable:
    if isinstance(value, Unreadable):
        return value
    if isinstance(value, str) or value is None:
        return Unreadable(line, NO_NUMBER if value is None else TEXT)
    if isinstance(value, int):
        return (
            int(value) if abs(value) < 1 << 63 else Unreadable(line, "is an integer too large to read")
        )  # a bool, too
    return value if isinstance(value, float) and math.isfinite(value) else Unreadable(line, "is not a number")


def join(names: Names, ways: Sequence[Names], line: int) -> None:
    """Keep only the values on which all branches agree, if any of them may have been taken."""
    missing = Unreadable(line, "depends on a condition that is not a constant")
    for name in {name for way in ways for name in way}:
        values = [way.get(name, missing) for way in ways]
        same = all(type(value) is type(values[0]) and value == values[0] for value in values)
        names[name] = values[0] if same else missing


def ends(node: ast.stmt) -> bool:
    """Whether the statements after this one are never reached."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return callee(node.value) in ("exit", "quit", "_exit")
    return isinstance(node, ast.Return | ast.Raise)
