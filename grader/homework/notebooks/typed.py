"""Finds values that a notebook's code contains but should compute: accuracies that it draws or prints, and much data.

Nothing is run. A value is typed if it is made only of constants, of names that get nothing else, and of functions of
numpy or Python. If code could have computed it, nothing is reported.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import data_in_code
from ..training.syntax import digs, modules, unparsed
from . import claimed_accuracy
from .notebook import TRAINING, Notebook, Plot, draws, parsed_code, pictures, trees
from .saved import UNSEEN

DRAWING = re.compile(r"^(plot|scatter|bar|barh|step|stem|errorbar|semilog[xy]|loglog|lineplot|line|fill_between)$")
SAYING = frozenset(("print", "display"))
MUTATING = frozenset(("append", "extend", "insert", "update", "add", "setdefault", "appendleft", "fill_", "copy_"))
PURE = re.compile(r"^(numpy|math|cmath|random|statistics|json|base64|zlib|struct|itertools|functools|collections|io)$")
PANDAS = frozenset(("DataFrame", "Series"))
TABLES = frozenset(("read_csv", "read_table", "read_json", "loadtxt", "genfromtxt"))  # of a file, or of a text
TORCH = frozenset(
    ("tensor", "Tensor", "FloatTensor", "as_tensor", "linspace", "arange", "rand", "randn", "ones", "zeros")
)
READS = re.compile(
    r"load(?!s)|read|open|file|txt|memmap|input|exec|compile|import|globals|locals|vars|getattr|next|iter"
)
WORDS = re.compile(r"acc|correct|test", re.IGNORECASE)
TRAINING_SET = re.compile(
    r"(?<![a-z])tr(ai)?n(ing)?_?(loader|set|data|dl|ds|iter|batches|x|images)|(loader|data|set|mnist|x|images)_?tr(ai)?n"
)
UNSHOWN = frozenset(("exec", "eval", "globals", "locals", "vars", "setattr", "get_ipython"))  # bind what is not seen
OF_TEST = re.compile(r"test|(?<![a-z])te(?![a-z])")
PICTURE = re.compile(r"\.(png|jpe?g|gif|webp|bmp|svg)$")
OTHER_SET = re.compile(r"(?<!e)val|test|(?<![a-z])(te|dev)(?![a-z])|hold|held")
BOUNDING = frozenset(("max", "maximum", "fmax", "clip", "clamp", "clamp_min", "where"))
LOST = re.compile(r"loss|entropy|criterion|nll", re.IGNORECASE)
PARTS = 200_000  # of code; a notebook of a student's has a tenth
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Doubt:
    """A cell whose "plot" or "claim" was typed, or that holds "data", and what it does, as the end of a sentence."""

    cell: int
    of: str
    why: str


def doubts(notebook: Notebook, plots: Iterable[Plot]) -> Iterator[Doubt]:
    cells = {cell.number: inlined(tree) for cell, tree in trees(notebook)}
    parts, constants = 0, dict[int, list[Any]]()
    for number, tree in cells.items():
        nodes = list(ast.walk(tree))
        parts += len(nodes)
        constants[number] = [node.value for node in nodes if isinstance(node, ast.Constant)]
    for cell in notebook.cells:
        comments = data_in_code.COMMENT.findall(cell.source)  # a cell can read itself
        constants.setdefault(cell.number, []).extend(comments)
    yield from (Doubt(cell, "data", why) for cell, why in data_in_code.of_cells(constants))
    yield from helpers_data(notebook)
    for number, tree in [*cells.items(), *((1, tree) for tree in modules(notebook.helpers).values())]:
        if what := digs(tree):
            yield Doubt(number, "data", f"reaches into the program that runs it ({what})")
    if parts > PARTS:
        yield Doubt(min(cells), "data", f"begins a notebook of {parts:,} pieces of code")
        return
    code = Code([*cells.values(), *modules(notebook.helpers).values()])
    clear = len(cells) == len(notebook.cells) and not any(UNSEEN.search(cell.source) for cell in notebook.cells)
    then = code.put_last(cells, clear=clear)
    for plot in [plot for plot in plots if plot.cell in cells]:
        over = code.drawn_over(then.get(plot.cell, ()), clear=clear)
        if why := over or (code.drawn(cells[plot.cell]) if clear else ""):
            yield Doubt(plot.cell, "plot", why)
    all_claims = claimed_accuracy.claims(notebook)
    for claim in [claimed_accuracy.claimed(all_claims) or claim for claim in all_claims[-1:]]:
        if claim.cell not in cells:
            continue
        if claim.accuracy in stated(cells[claim.cell]):
            yield Doubt(claim.cell, "claim", "prints an accuracy that stands in its code as text")
            continue
        over = code.said_over(then.get(claim.cell, ()), clear=clear)
        if why := over or (code.said(cells[claim.cell]) if clear else ""):
            yield Doubt(claim.cell, "claim", why)
    if (number := untaught([*cells.items(), *((0, tree) for tree in modules(notebook.helpers).values())])) and clear:
        yield Doubt(number, "steps", "trains without an optimizer and without reading a gradient")
    for number, tree in cells.items():
        for name in without_gradients(tree):
            yield Doubt(number, "steps", f"steps by an optimizer of its own, {name[:SHOWN]}, which uses no gradient")


def inlined(tree: ast.Module) -> ast.Module:
    """The code with what it runs as text by `exec("...")` in its place. The tree itself stays as it is."""
    body: list[ast.stmt] = []
    for one in tree.body:
        call = one.value if isinstance(one, ast.Expr) else None
        text = call.args[0] if isinstance(call, ast.Call) and named(call) == "exec" and call.args else None
        parsed = parsed_code(text.value) if isinstance(text, ast.Constant) and isinstance(text.value, str) else None
        body += [one] if parsed is None else parsed.body
    return ast.Module(body, [])


def without_gradients(tree: ast.Module) -> Iterator[str]:
    """Yield the optimizers of its own that neither ask for a gradient nor have another optimizer step."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any("Optimizer" in (*identifiers(base),) for base in node.bases):
            steps = any(isinstance(one, ast.FunctionDef) and one.name == "step" for one in node.body)
            inside = [one for part in node.body for one in ast.walk(part)]
            used = {one.attr for one in inside if isinstance(one, ast.Attribute)}
            if steps and "grad" not in used and not any(named(one) == "step" for one in inside):
                yield node.name


def untaught(all_trees: Iterable[tuple[int, ast.Module]]) -> int:
    """The cell that calls backward, where nothing takes a step of an optimizer and nothing asks for a gradient."""
    cell = 0
    for number, tree in all_trees:
        calls = {named(call) for call in calls_in(tree)}
        if "step" in calls or any(word in ("grad", "fit") for word in (*identifiers(tree), *calls)):
            return 0
        cell = number if "backward" in calls else cell
    return cell


def settled(notebook: Notebook, plots: Iterable[Plot]) -> Iterator[Plot]:
    """The plots. One that is not named is, if what it draws is counted from right answers. Other cells that draw such
    shares, in words of another language, come last; they name nothing."""
    cells = {cell.number: tree for cell, tree in trees(notebook)}
    plots = list(plots)
    known = {plot.cell for plot in plots}
    others = [number for number in dict.fromkeys(number for number, _ in pictures(notebook)) if number not in known]
    if all(plot.named for plot in plots) and not others:
        yield from plots
        return
    code = Code([*cells.values(), *modules(notebook.helpers).values()])
    for plot in plots:
        yield plot if plot.named else replace(plot, named=code.draws_accuracy(cells[plot.cell]))
    for number in others:
        if number in cells and code.draws_accuracy(cells[number]):
            yield Plot(number, training=False, validation=False, named=False)


def helpers_data(notebook: Notebook) -> Iterator[Doubt]:
    """The same of the modules that a notebook imports, told with the first cell that names one."""
    for name, tree in modules(notebook.helpers).items():
        called = re.compile(rf"\b{re.escape(name.removesuffix('.py'))}\b")
        at = next((cell.number for cell in notebook.cells if called.search(cell.source)), 1)
        for why in data_in_code.of_module(tree, notebook.helpers[name]):
            yield Doubt(at, "data", f"uses {name}, which {why}")


def stated(tree: ast.Module) -> set[float]:
    """The accuracies in texts that a cell prints as they stand."""
    texts = [
        part.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING
        for part in node.args
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    lines = [line.lower() for text in texts for line in text.split("\n") if len(line) < claimed_accuracy.LINE]
    return {value for line in lines for _, value in claimed_accuracy.accuracies(line)}


class Code:
    """Where the values of all names of some code come from. They are not told apart by order, so that a name is typed
    only if all that is ever put in it is. "f()" stands for what f returns, "p~" for what is put into p, ".a" for the
    attribute a of any object."""

    def __init__(self, all_trees: list[ast.Module]) -> None:
        self.values: dict[str, list[ast.expr]] = defaultdict(list)
        self.unknown: set[str] = set()
        self.functions: dict[str, ast.FunctionDef] = {}
        self.imported: dict[str, str] = {}
        self.follows: dict[str, set[str]] = defaultdict(set)
        self.files = [base_name(text) for tree in all_trees for text in texts(tree)]
        self.globals = {
            name
            for tree in all_trees
            for one in ast.walk(tree)
            for name in (one.names if isinstance(one, ast.Global) else ())
        }
        nodes = [node for tree in all_trees for node in ast.walk(tree)]
        for number, node in enumerate(nodes):
            tell_apart(node, number)
        methods = {id(inner) for node in nodes if isinstance(node, ast.ClassDef) for inner in node.body}
        for node in nodes:
            self.define(node, id(node) in methods)
        for node in nodes:
            self.bind(node)
        self.spread()

    def define(self, node: ast.AST, method: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            names = [key(one) for one in ast.walk(node.args) if isinstance(one, ast.arg)]
            plain = isinstance(node, ast.FunctionDef) and not method and not node.decorator_list
            if not plain or node.args.vararg or node.args.kwarg:
                self.unknown.update(names)
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
                self.imported[one.asname or one.name.partition(".")[0]] = (
                    one.name if one.asname else one.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            self.imported |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}

    def bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.put(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            self.put(node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            self.put(node.target, ast.copy_location(ast.BinOp(node.target, node.op, node.value), node))
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            if named(node.iter) == "enumerate" and isinstance(node.target, ast.Tuple) and len(node.target.elts) == 2:
                self.put(node.target.elts[0], ast.Constant(0))  # a position, whatever there is
                self.put(node.target.elts[1], node.iter)
            else:
                self.put(node.target, node.iter)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self.unknown.update(key(one) for one in ast.walk(node.optional_vars) if isinstance(one, ast.Name))
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            self.unknown.add(node.name)
        elif isinstance(node, ast.Call):
            self.call(node)

    def put(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            whole = [value] if not isinstance(value, ast.Call) else self.values.get(f"{named(value)}()", []) or [value]
            for one in whole:
                same = isinstance(one, ast.Tuple | ast.List) and len(one.elts) == len(target.elts)
                for at, part in enumerate(target.elts):
                    self.put(part, one.elts[at] if same else value)  # type: ignore[attr-defined]
        elif name := root(target):
            self.values[name].append(value)
            if not isinstance(target, ast.Name):
                self.values[f"{name}~"].append(value)
            if held := attribute(target):
                self.values[held].append(value)

    def call(self, node: ast.Call) -> None:
        given = [*node.args, *(one.value for one in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in MUTATING and (name := root(node.func.value)):
                self.values[name] += given
                self.values[f"{name}~"] += given
                if held := attribute(node.func.value):
                    self.values[held] += given
            return
        function = self.functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if function is None:
            return
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        names = {one.arg: key(one) for one in arguments}
        if any(isinstance(one, ast.Starred) for one in node.args) or any(one.arg is None for one in node.keywords):
            self.unknown.update(names.values())
            return
        named_ = ((names.get(str(one.arg), ""), one.value) for one in node.keywords)
        for name, value in [*zip(names.values(), node.args, strict=False), *named_]:
            self.values[name].append(value)
            for own in filter(None, (root(value), attribute(value))):
                self.follows[f"{name}~"].add(own)

    def spread(self) -> None:
        """Whatever depends on something unknown is unknown, too."""
        for name, function in self.functions.items():
            defaults = [*function.args.defaults, *(one for one in function.args.kw_defaults if one is not None)]
            for one in ast.walk(function.args):
                if isinstance(one, ast.arg):
                    self.values[key(one)] += defaults
            self.follows[name].add(f"{name}()")
        for name, values in list(self.values.items()):
            for value in values:
                if (needed := self.needs(value)) is None:
                    self.unknown.add(name)
                for other in needed or ():
                    self.follows[other].add(name)
        waiting = list(self.unknown)
        while waiting:
            for name in self.follows.get(waiting.pop(), set()) - self.unknown:
                self.unknown.add(name)
                waiting.append(name)

    def needs(self, value: ast.expr) -> set[str] | None:
        """The names that a value is made of; None if it is made of something else."""
        found, waiting = set(), [value]
        while waiting:
            node: ast.AST = waiting.pop()
            if isinstance(node, ast.Name):
                name = key(node)
                if name not in self.values and name not in self.functions and name in self.imported:
                    return None
                if isinstance(node.ctx, ast.Load):
                    found.add(name)
                continue
            if isinstance(node, ast.Lambda | ast.Await):
                return None
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len":
                continue  # a list tells how long another one is, and nothing of what is in it
            if isinstance(node, ast.Attribute) and root(node) in self.imported:
                if not self.pure(node):
                    return None
                continue
            if isinstance(node, ast.Attribute) and attribute(node) in self.values:
                found.add(attribute(node))
                continue
            if isinstance(node, ast.Call):
                if (called := self.called(node)) is None:
                    return None
                found |= called
                if isinstance(node.func, ast.Attribute) and not (self.pure(node.func) or of_text(node)):
                    waiting.append(node.func.value)
                waiting += [*node.args, *(one.value for one in node.keywords)]
                continue
            waiting += ast.iter_child_nodes(node)  # type: ignore[arg-type]
        unbound = {one for one in found if one not in self.values and one not in self.functions and "()" not in one}
        return None if any(not hasattr(builtins, one) for one in unbound) else found - unbound

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
        return needed is not None and not needed & self.unknown and self.counts(value)

    def counts(self, value: ast.expr) -> bool:
        seen: set[str] = set()
        waiting = [value]
        while waiting:
            for node in ast.walk(waiting.pop()):
                if isinstance(node, ast.Constant) and node.value:
                    if type(node.value) in (int, float) or re.search(r"\d\.\d|\d ?%", str(node.value)):
                        return True
                elif (name := place(node)) and name not in seen:
                    seen.add(name)
                    waiting += [*self.values.get(name, ()), *self.values.get(f"{name}()", ())]
        return False

    def calls(self, tree: ast.AST) -> list[ast.Call]:
        """All calls in a cell, and in the functions that it calls."""
        found: list[ast.Call] = []
        seen: set[str] = set()
        waiting: list[ast.AST] = [node for node in getattr(tree, "body", ()) if not isinstance(node, ast.FunctionDef)]
        while waiting:
            for node in ast.walk(waiting.pop()):
                if isinstance(node, ast.Call):
                    found.append(node)
                    function = node.func.id if isinstance(node.func, ast.Name) else ""
                    if function in self.functions and function not in seen:
                        seen.add(function)
                        waiting.append(self.functions[function])
        return found

    def draws_accuracy(self, tree: ast.Module) -> bool:
        """Whether what a cell draws comes from right answers, and nothing of it from a loss."""
        calls = [call for call in self.calls(tree) if DRAWING.match(named(call))]
        values = [one for call in calls for one in call.args if not isinstance(one, ast.Constant)]
        sources = [part for value in values for part in self.sources(value)]
        return any(map(right, sources)) and not any(map(lost, sources))

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

    def drawn(self, tree: ast.Module) -> str:
        """Why the accuracies that a cell draws are typed, or are of another set than it says; "" if they are not."""
        calls = [call for call in self.calls(tree) if call.args and DRAWING.match(named(call))]  # no `optimizer.step()`
        told = [call for call in calls if {"training", "validation"} & draws(call)]
        if not calls and (file := self.of_a_file(tree)):
            return f"shows a picture of {file}, which nothing in the notebook saves"
        if curve := twice(calls):
            return f"draws one curve as training and as validation accuracy ({curve})"
        for call in told or calls:
            values = [one for one in call.args if not isinstance(one, ast.Constant)]
            if values and named(values[-1]) == "sorted":
                return f"draws accuracies that its code changes ({shown(values[-1])})"
            if values and "accuracy" in topics(call) and self.of_losses(values[-1]):
                return f"draws as an accuracy what it makes of losses ({shown(values[-1])})"
            if values and self.typed(values[-1]) and (told or all(map(self.typed_call, calls))):
                return f"draws numbers that stand in the code ({shown(values[-1])})"
            if values and (how := self.mended(values[-1])):
                return f"draws accuracies that its code changes ({how})"
            other = self.of_training(values[-1]) if values else ""
            if other and "validation" in draws(call) and "training" not in draws(call):
                return f"draws as validation accuracy what is {other}"
        return ""

    def of_a_file(self, tree: ast.Module) -> str:
        """The picture's file whose name stands in a cell and nowhere else in the code; "" if there is none."""
        files = [name for name in map(base_name, texts(tree)) if PICTURE.search(name)]
        return next((name[:SHOWN] for name in files if self.files.count(name) == files.count(name)), "")

    def of_losses(self, value: ast.expr) -> bool:
        """Whether a value is computed from losses alone."""
        waiting: list[ast.AST] = [value]
        seen: set[str] = set()
        while waiting:
            node = waiting.pop()
            if name := place(node):
                if not LOST.search(name) and name not in seen:
                    if not self.values.get(name):
                        return False
                    waiting += self.values[name]
                seen.add(name)
            elif isinstance(node, ast.Lambda) or (isinstance(node, ast.Call) and self.called(node) != set()):
                return False
            elif isinstance(node, ast.Call):
                waiting += node.args
                if isinstance(node.func, ast.Attribute) and not self.pure(node.func):
                    waiting.append(node.func.value)
            else:
                waiting += ast.iter_child_nodes(node)
        return any(map(LOST.search, seen))

    def drawn_over(self, then: Iterable[tuple[ast.stmt, set[str]]], *, clear: bool) -> str:
        """As `drawn`, where typed numbers are put over what was computed. For `then` and `clear` see `put_last`."""
        for one, last in then:
            for call in calls_in(one):
                values = [part for part in call.args if not isinstance(part, ast.Constant)]
                told = DRAWING.match(named(call)) and {"training", "validation"} & draws(call)
                if told and values and self.typed_of(values[-1], last, clear=clear) & last:
                    return f"draws numbers that stand in the code ({shown(values[-1])})"
        return ""

    def said_over(self, then: Iterable[tuple[ast.stmt, set[str]]], *, clear: bool) -> str:
        """As `said`, where a typed number is put over what was measured."""
        for one, last in then:
            for call in calls_in(one):
                values = [part for part in call.args if not is_text(part)]
                told = named(call) in SAYING and WORDS.search(unparsed(call))
                if told and values and all(self.typed_of(part, last, clear=clear) & last for part in values):
                    return f"prints an accuracy that stands in the code ({shown(values[-1])})"
        return ""

    def put_last(self, cells: Mapping[int, ast.Module], *, clear: bool) -> dict[int, list[tuple[ast.stmt, set[str]]]]:
        """Each statement of each cell, with the names that were last given what stands in the code, whatever they held
        before. Not `clear`: other names may hold anything, as there is code that does not show what it binds."""
        last: set[str] = set()
        found: dict[int, list[tuple[ast.stmt, set[str]]]] = {}
        for at, tree in cells.items():
            for one in in_order(tree.body):
                found.setdefault(at, []).append((one, last))
                pairs = dict(assigned(one))
                typed = {name for name, value in pairs.items() if value and self.typed_of(value, last, clear=clear)}
                lost = last if binds_unseen(one) else last & (changed(one) | pairs.keys())
                if lost or typed:
                    last = (last - lost) | (typed - self.globals)
        return found

    def typed_of(self, value: ast.expr, last: set[str], *, clear: bool) -> set[str]:
        """The names that a typed value is made of, "" among them; none if it may be computed. See `put_last`."""
        needed = self.needs(value)
        known = needed is not None and all(one in last or (clear and one not in self.unknown) for one in needed)
        return {"", *(needed or ())} if known and self.counts(value) else set()

    def mended(self, value: ast.expr) -> str:
        """How the code makes an accuracy better than it is, on its way from where it is measured; "" if it does not."""
        waiting: list[ast.AST] = [value]
        seen: set[str] = set()
        while waiting:
            node = waiting.pop()
            if name := place(node):
                if name not in seen:
                    waiting += self.values.get(name, ())
                seen.add(name)
                waiting += ast.iter_child_nodes(node)  # of what an attribute is: `np.maximum(acc, 0.9).tolist()`
            elif isinstance(node, ast.Call):
                if named(node) in BOUNDING and any(
                    map(flatters, [*node.args, *(word.value for word in node.keywords)])
                ):
                    return shown(node)
                own = f"{node.func.id}()" if isinstance(node.func, ast.Name) else ""
                waiting += self.values.get(own, ()) if own not in seen else ()
                seen.add(own)
                pure = self.called(node) == set() or (named(node) in BOUNDING and isinstance(node.func, ast.Attribute))
                waiting += ast.iter_child_nodes(node) if pure else ()
            elif isinstance(node, ast.BinOp) and better(node):
                return shown(node)
            elif isinstance(node, ast.Subscript):
                waiting.append(node.value)
            elif not isinstance(node, ast.Lambda):
                waiting += ast.iter_child_nodes(node)
        return ""

    def typed_call(self, call: ast.Call) -> bool:
        values = [one for one in call.args if not isinstance(one, ast.Constant)]
        return bool(values) and self.typed(values[-1])

    def said(self, tree: ast.Module) -> str:
        """Why an accuracy that a cell says is typed, or is of another set than it says; "" if it is not."""
        calls = [call for call in self.calls(tree) if named(call) in SAYING]
        values = [one for call in calls for one in call.args]
        if tree.body and isinstance(tree.body[-1], ast.Expr) and named(tree.body[-1].value) not in SAYING:
            values.append(tree.body[-1].value)
        values = [one for one in values if not (isinstance(one, ast.Constant) and isinstance(one.value, str))]
        told = [call for call in calls if WORDS.search(unparsed(call)) and not all(map(is_text, call.args))]
        values = [one for call in told for one in call.args if not is_text(one)] or values
        if values and all(map(self.typed, values)):
            return f"prints an accuracy that stands in the code ({shown(values[-1])})"
        for how in filter(None, map(self.mended, values if told else ())):
            return f"prints an accuracy that its code changes ({how})"
        for call in told:
            said = " ".join(texts(call)).lower()
            if "test" in said and "train" not in said:
                for other in filter(None, map(self.of_training, call.args)):
                    return f"prints as test accuracy what is {other}"
                for one in filter(self.called_training, call.args):
                    return f"prints as test accuracy what is called one of training ({shown(one)})"
        return self.called_test(tree, calls)

    def called_training(self, value: ast.expr) -> bool:
        """Whether a value is an accuracy by the name of one of training, which no test set gave."""
        places = [one for one in ast.walk(value) if "acc" in place(one).lower()]
        names = {place(one).partition(" in ")[0].lower() for one in places}
        measured = (
            word for one in places for source in self.values.get(place(one), ()) for word in identifiers(source)
        )
        return (
            bool(names)
            and all(map(TRAINING.search, names))
            and not any(OF_TEST.search(word.lower()) for word in [*names, *measured])
        )

    def called_test(self, tree: ast.Module, calls: list[ast.Call]) -> str:
        """The same where what is measured prints itself: `test_accuracy = evaluate(model, trainloader)`."""
        assigned = [one for one in tree.body if isinstance(one, ast.Assign | ast.Expr)]
        measured = [one.value for one in assigned if isinstance(one.value, ast.Call) and named(one.value) not in SAYING]
        put = [root(target) for one in assigned if isinstance(one, ast.Assign) for target in one.targets]
        said = " ".join([*put, *(text for call in calls for text in texts(call))]).lower()
        others = any(OTHER_SET.search(word.lower()) for one in measured for word in identifiers(one))
        printed = any(named(one) in SAYING and not all(map(is_text, one.args)) for one in calls_in(tree))
        if "test" in said and "train" not in said and not others and not printed:
            for other in filter(None, map(self.of_training, measured)):
                return f"calls test accuracy what is {other}"
        return ""

    def of_training(self, value: ast.expr) -> str:
        """How a value was measured on the training set, and on no other; "" if it was not, or that is unknown."""
        waiting, seen, found = [value], set[str](), ""
        while waiting:
            one = waiting.pop()
            if isinstance(one, ast.Name):
                if key(one) not in seen and key(one) not in self.values:
                    return ""
                waiting += self.values[key(one)] if key(one) not in seen else ()
                seen.add(key(one))
                continue
            words = [word.lower() for word in identifiers(one)]
            if not words:  # an empty list, or a number
                continue
            calls = any(isinstance(node, ast.Call) for node in ast.walk(one))
            if not calls or not any(map(TRAINING_SET.search, words)) or any(map(OTHER_SET.search, words)):
                return ""
            found = found or f"computed on the training set ({shown(one)})"
        return found


def twice(calls: Iterable[ast.Call]) -> str:
    """What is drawn both as of training and as of validation, or again and again in the same way; "" if there is no
    such curve."""
    said, alike = defaultdict[str, set[str]](set), set[str]()
    plots = [call for call in calls if named(call) == "plot"]
    for call in plots:
        values = [one for one in call.args if not isinstance(one, ast.Constant)]
        curve = unparsed(values[-1]) if values else ""
        kinds = topics(call) & {"training", "validation"}
        said[curve] |= kinds if len(kinds) == 1 else set()
        if curve and len(said[curve]) > 1:
            return shown(values[-1])
        named_alone = all(one.arg in ("label", "color", "c") for one in call.keywords)
        alike.add(curve if named_alone and not any(map(is_text, call.args)) else "")
    return next(iter(alike))[:SHOWN] if len(plots) > 1 and len(alike) == 1 else ""


def topics(call: ast.Call) -> set[str]:
    """What the texts in a call name; see `draws`."""
    return {topic for text in texts(call) for topic in draws(ast.Constant(text))}


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
        place = target.value if isinstance(target, ast.Subscript) and unparsed(target.slice) == ":" else target
        if isinstance(place, ast.Name):
            yield place.id, one.value
        elif isinstance(place, ast.Tuple):
            values = one.value.elts if isinstance(one.value, ast.Tuple) else []
            for at, part in enumerate(place.elts):
                if isinstance(part, ast.Name):
                    yield part.id, values[at] if len(values) == len(place.elts) else None


def changed(one: ast.stmt) -> set[str]:
    """The names that a statement may give another value: it binds them, or hands them to something that may."""
    found = {node.id for node in ast.walk(one) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(one):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            found.add(root(node))
        elif isinstance(node, ast.Call) and not (DRAWING.match(named(node)) or named(node) in SAYING):
            own = isinstance(node.func, ast.Name) and not hasattr(builtins, node.func.id)
            found |= {name for part in (node.args if own else ()) for name in identifiers(part)}
        if isinstance(node, ast.Attribute) and node.attr in MUTATING:
            found.add(root(node))
    return found


def binds_unseen(one: ast.stmt) -> bool:
    """Whether a statement may bind names that it does not show."""
    for node in ast.walk(one):
        star = isinstance(node, ast.ImportFrom) and node.names[0].name == "*"
        if star or (isinstance(node, ast.Name) and node.id in UNSHOWN):
            return True
    return False


def base_name(text: str) -> str:
    return text.replace("\\", "/").rpartition("/")[2].lower()


def number(node: ast.AST) -> float:
    """A number that stands in the code; 0 for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, int | float) else 0


def flatters(node: ast.AST) -> bool:
    """Whether an accuracy of so much, or of so many percent, looks good. What keeps it in its range is 0, 1 or 100."""
    return 0.5 <= number(node) < 1 or 50 <= number(node) < 100


def better(node: ast.BinOp) -> bool:
    """Whether something is added to a value, or it is multiplied by a little more than 1."""
    numbers = [number(one) for one in (node.left, node.right)]
    if all(numbers):
        return False
    added = isinstance(node.op, ast.Add) and 0.01 <= max(numbers) <= 0.5
    return added or (isinstance(node.op, ast.Mult) and 1 < max(numbers) < 2)


def of_text(node: ast.Call) -> bool:
    """Whether a call reads a table out of a text, not of a file."""
    return named(node) in TABLES and named(next(iter(node.args), node)) in ("StringIO", "BytesIO")


def right(node: ast.AST) -> bool:
    """Whether some code asks which answers are right."""
    compares = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq)
    return compares or (isinstance(node, ast.Attribute) and node.attr in ("argmax", "eq", "accuracy_score"))


def lost(node: ast.AST) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return LOST.search(name) is not None


def named(node: ast.AST) -> str:
    """The last part of what a call calls."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def root(node: ast.AST) -> str:
    """The name that an attribute or an element is of; "" for anything else."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return key(node) if isinstance(node, ast.Name) else ""


def tell_apart(node: ast.AST, number: int) -> None:
    """Give the names that belong to a function or a comprehension a key of their own. Outer ones come first."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        own = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
        inside: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        own, inside = set(), [one.target for one in node.generators]
    else:
        return
    others = {name for one in ast.walk(node) if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names}
    while inside:
        one = inside.pop()
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            own.add(one.id)
        inside += ast.iter_child_nodes(one)
    for one in ast.walk(node):
        name = one.id if isinstance(one, ast.Name) else one.arg if isinstance(one, ast.arg) else ""
        if name in own - others:
            one.key = f"{name} in {number}"  # type: ignore[attr-defined]


def key(node: ast.Name | ast.arg) -> str:
    """A name, told apart from its namesakes elsewhere."""
    return str(getattr(node, "key", node.id if isinstance(node, ast.Name) else node.arg))


def attribute(node: ast.AST) -> str:
    """ ".a" for the attribute a of anything, and for what is in it; "" for all else."""
    while isinstance(node, ast.Subscript | ast.Starred):
        node = node.value
    return f".{node.attr}" if isinstance(node, ast.Attribute) else ""


def place(node: ast.AST) -> str:
    """What holds a value: a name or an attribute; "" for all else."""
    return key(node) if isinstance(node, ast.Name) else f".{node.attr}" if isinstance(node, ast.Attribute) else ""


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


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
    text = " ".join(unparsed(node).split())
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
