"""Finds where the values in a notebook's code come from. Nothing is run.

A value is typed if it is made only of constants, of names that get nothing else, and of functions of numpy or Python.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterator

from .nodes import attribute, called, given, key, place, root, tell_apart

MUTATING = frozenset(("append", "extend", "insert", "update", "add", "setdefault", "appendleft", "extendleft"))
IN_PLACE = frozenset(("at", "put", "copyto", "place", "putmask", "heappush", "insort"))  # of their first argument
PURE = re.compile(r"^(numpy|math|cmath|random|statistics|json|base64|zlib|struct|itertools|functools|collections|io)$")
PANDAS = frozenset(("DataFrame", "Series"))
TABLES = frozenset(("read_csv", "read_table", "read_json", "loadtxt", "genfromtxt"))  # of a file, or of a text
TORCH = frozenset(
    ("tensor", "Tensor", "FloatTensor", "as_tensor", "linspace", "arange", "rand", "randn", "ones", "zeros")
)
READS = re.compile(
    r"load(?!s)|read|open|file|txt|memmap|input|exec|compile|import|globals|locals|vars|getattr|next|iter"
)
NUMBER = re.compile(r"\d\.\d|\d ?%")  # in a text


class Origins:
    """The values that the names of some code get. The order of statements is not known here, so a name is typed only if
    all that is ever put into it is. "f()" stands for what f returns, "p~" for what is put into p, ".a" for the
    attribute a of any object.

    `clear`: no code binds names that it does not show. Otherwise, names may hold anything.
    """

    def __init__(self, all_trees: list[ast.Module], *, clear: bool = True) -> None:
        self.clear = clear
        self.values: dict[str, list[ast.expr]] = defaultdict(list)
        self.unknown: set[str] = set()  # names that may hold anything
        self.functions: dict[str, ast.FunctionDef] = {}
        self.imported: dict[str, str] = {}
        self.follows: dict[str, set[str]] = defaultdict(set)  # what is unknown if a name is
        nodes = [node for tree in all_trees for node in ast.walk(tree)]
        self.globals = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        self.texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        for number, node in enumerate(nodes):
            tell_apart(node, number)
        methods = {id(inner) for node in nodes if isinstance(node, ast.ClassDef) for inner in node.body}
        for node in nodes:
            self.define(node, id(node) in methods)
        for node in nodes:
            self.bind(node)
        self.link()
        self.spread()

    def define(self, node: ast.AST, method: bool) -> None:
        """Note a function, a class or an import."""
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            plain = isinstance(node, ast.FunctionDef) and not method and not node.decorator_list
            if not plain or node.args.vararg or node.args.kwarg:
                self.unknown.update(key(one) for one in ast.walk(node.args) if isinstance(one, ast.arg))
            if isinstance(node, ast.FunctionDef) and plain and node.name not in self.functions:
                self.functions[node.name] = node
                returned = (one.value for one in ast.walk(node) if isinstance(one, ast.Return | ast.Yield))
                self.values[f"{node.name}()"] += [one for one in returned if one is not None]
            elif not isinstance(node, ast.Lambda):
                self.unknown.update((node.name, f"{node.name}()"))
        elif isinstance(node, ast.ClassDef):
            self.unknown.add(node.name)
        elif isinstance(node, ast.Import):
            for one in node.names:
                package = one.name.partition(".")[0]
                self.imported[one.asname or package] = one.name if one.asname else package
        elif isinstance(node, ast.ImportFrom):
            self.imported |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}

    def bind(self, node: ast.AST) -> None:
        """Note what a node puts into names."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.put(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            self.put(node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            self.put(node.target, ast.copy_location(ast.BinOp(node.target, node.op, node.value), node))
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            if called(node.iter) == "enumerate" and isinstance(node.target, ast.Tuple) and len(node.target.elts) == 2:
                self.put(node.target.elts[0], ast.Constant(0))  # a position, whatever there is
                self.put(node.target.elts[1], node.iter)
            else:
                several = isinstance(node.iter, ast.Tuple | ast.List) and isinstance(node.target, ast.Tuple)
                for one in ast.iter_child_nodes(node.iter) if several else [node.iter]:
                    if isinstance(one, ast.expr):
                        self.put(node.target, one)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self.unknown.update(key(one) for one in ast.walk(node.optional_vars) if isinstance(one, ast.Name))
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            self.unknown.add(node.name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions:
            self.call(node, self.functions[node.func.id])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            self.fill(node, node.func)

    def fill(self, node: ast.Call, function: ast.Attribute) -> None:
        """Note what a call puts into an object that it changes: `C.append(x)`, `C.index_add_(0, at, x)`, or
        `np.add.at(C, at, x)`."""
        filled, values = function.value, given(node)
        if function.attr not in MUTATING and root(function) in self.imported and node.args:
            filled, values = node.args[0], values[1:]
        if changes(function.attr):
            for held in holders(filled, inside=True):
                self.values[held] += values

    def put(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            for whole in self.values.get(f"{called(value)}()") or [value]:
                elements = whole.elts if isinstance(whole, ast.Tuple | ast.List) else []
                same = len(elements) == len(target.elts)
                for at, part in enumerate(target.elts):
                    self.put(part, elements[at] if same else value)
            return
        for held in holders(target, inside=not isinstance(target, ast.Name)):
            self.values[held].append(value)

    def call(self, node: ast.Call, function: ast.FunctionDef) -> None:
        """Put a call's arguments into the function's parameters."""
        parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        keys = {one.arg: key(one) for one in parameters}
        if any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords):
            self.unknown.update(keys.values())
            return
        by_name = ((keys.get(str(one.arg), ""), one.value) for one in node.keywords)
        for name, value in [*zip(keys.values(), node.args, strict=False), *by_name]:
            self.values[name].append(value)
            for own in filter(None, (root(value), attribute(value))):
                self.follows[f"{name}~"].add(own)

    def link(self) -> None:
        """Note which names depend on which others."""
        for name, function in self.functions.items():
            defaults = [*function.args.defaults, *(one for one in function.args.kw_defaults if one is not None)]
            for one in ast.walk(function.args):
                if isinstance(one, ast.arg):
                    self.values[key(one)] += defaults
            self.follows[name].add(f"{name}()")
        for name, values in list(self.values.items()):
            for needed in map(self.needs, values):
                if needed is None:
                    self.unknown.add(name)
                for other in needed or ():
                    self.follows[other].add(name)

    def spread(self) -> None:
        """Whatever depends on something unknown is unknown, too."""
        waiting = list(self.unknown)
        while waiting:
            for name in self.follows.get(waiting.pop(), set()) - self.unknown:
                self.unknown.add(name)
                waiting.append(name)

    def needs(self, value: ast.expr) -> set[str] | None:
        """The names that a value is made of; None if it is made of something else."""
        found, waiting = set[str](), list[ast.AST]([value])
        while waiting:
            taken = self.taken_apart(waiting.pop())
            if taken is None:
                return None
            names, parts = taken
            found |= names
            waiting += parts
        unbound = {one for one in found if one not in self.values and one not in self.functions and "()" not in one}
        return None if any(not hasattr(builtins, one) for one in unbound) else found - unbound

    def taken_apart(self, node: ast.AST) -> tuple[set[str], list[ast.AST]] | None:
        """The names and the parts that give a piece of code its value; None if something else does."""
        if isinstance(node, ast.Name):
            name = key(node)
            if name not in self.values and name not in self.functions and name in self.imported:
                return None
            return {name} if isinstance(node.ctx, ast.Load) else set(), []
        if isinstance(node, ast.Lambda | ast.Await):
            return None
        if isinstance(node, ast.Attribute) and root(node) in self.imported:
            return (set(), []) if self.pure(node) else None
        if isinstance(node, ast.Attribute) and attribute(node) in self.values:
            return {attribute(node)}, []
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id == "len":
                return set(), []  # a length says nothing about the elements
            names = self.called(node)
            parts: list[ast.AST] = [*given(node)]
            if isinstance(node.func, ast.Attribute) and not (self.pure(node.func) or of_text(node)):
                parts.insert(0, node.func.value)
            return None if names is None else (names, parts)
        return set(), list(ast.iter_child_nodes(node))

    def called(self, node: ast.Call) -> set[str] | None:
        """What a called function's value depends on besides its arguments; None if that is unknown."""
        if isinstance(node.func, ast.Attribute):
            imported = root(node.func) in self.imported
            return set() if not imported or of_text(node) or self.pure(node.func) else None
        if not isinstance(node.func, ast.Name):
            return None
        name = key(node.func)
        if name in self.functions:
            return {f"{name}()"}
        if name in self.imported:
            return set() if self.pure(node.func) else None
        return set() if hasattr(builtins, name) and name not in self.values and not READS.search(name) else None

    def pure(self, node: ast.expr) -> bool:
        """Whether a name or an attribute of an imported module computes something of its arguments alone."""
        if (base := self.imported.get(root(node))) is None:
            return False
        parts = base.split(".")
        last = node.attr if isinstance(node, ast.Attribute) else parts[-1]
        if parts[0] == "torch":
            return last in TORCH
        if parts[0] == "pandas":
            return last in PANDAS
        return bool(PURE.match(parts[0])) and not READS.search(last)

    def typed(self, value: ast.expr) -> bool:
        """Whether a value is made of what stands in the code, and of some number."""
        needed = self.needs(value)
        return needed is not None and not needed & self.unknown and self.has_number(value)

    def typed_of(self, value: ast.expr, last: set[str]) -> set[str]:
        """The names that a typed value is made of, "" among them; none if it may be computed. The names in `last` are
        known to hold what stands in the code."""
        needed = self.needs(value)
        known = needed is not None and all(one in last or (self.clear and one not in self.unknown) for one in needed)
        return {"", *(needed or ())} if known and self.has_number(value) else set()

    def has_number(self, value: ast.expr) -> bool:
        """Whether a number that is not 0 stands in the code of a value, or in a text there."""
        constants = (node.value for node in self.sources(value) if isinstance(node, ast.Constant) and node.value)
        return any(type(one) in (int, float) or NUMBER.search(str(one)) for one in constants)

    def sources(self, value: ast.expr) -> Iterator[ast.AST]:
        """Every piece of code that a value may come from."""
        seen: set[str] = set()
        waiting = [value]
        while waiting:
            for node in ast.walk(waiting.pop()):
                yield node
                if (name := place(node)) and name not in seen:
                    seen.add(name)
                    waiting += [*self.values.get(name, ()), *self.values.get(f"{name}()", ())]

    def calls(self, tree: ast.Module) -> list[ast.Call]:
        """All calls in a cell, and in the functions that it calls."""
        found: list[ast.Call] = []
        seen: set[str] = set()
        waiting: list[ast.AST] = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
        while waiting:
            for node in ast.walk(waiting.pop()):
                if isinstance(node, ast.Call):
                    found.append(node)
                    function = node.func.id if isinstance(node.func, ast.Name) else ""
                    if function in self.functions and function not in seen:
                        seen.add(function)
                        waiting.append(self.functions[function])
        return found


def changes(method: str) -> bool:
    """Whether a function or method of that name changes an object in place, as those of torch that end in "_" do."""
    return method in MUTATING or method in IN_PLACE or (method.endswith("_") and not method.endswith("__"))


def holders(target: ast.expr, *, inside: bool) -> Iterator[str]:
    """Yield the names that hold what is put into `target`; `inside`: into a part of it."""
    if name := root(target):
        yield name
        if inside:
            yield f"{name}~"
        if held := attribute(target):
            yield held


def of_text(node: ast.Call) -> bool:
    """Whether a call reads a table out of a text, not of a file."""
    return called(node) in TABLES and called(next(iter(node.args), node)) in ("StringIO", "BytesIO")
