"""Parses files, and finds the names that a syntax tree binds, reads and calls. Nothing is run."""

from __future__ import annotations

import ast
import builtins
import contextlib
import re
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

RUNNERS = frozenset(("grader", "__main__"))  # packages of the program that runs a student's code
AS_THEY_ARE = frozenset(("array", "asarray", "ascontiguousarray", "astype", "copy", "float32", "float64", "reshape"))
COPIES = frozenset(("array", "astype", "copy", "deepcopy"))
FRAMES = frozenset(
    "_getframe currentframe _current_frames walk_stack f_back f_locals f_globals tb_frame gi_frame getargvalues "
    "get_objects get_referrers get_referents __subclasses__ __globals__ __closure__ cell_contents getclosurevars "
    "settrace setprofile".split()
)
# Classes and modules of a library whose functions a run is watched with.
WATCHED_WITH = re.compile(r"torch(\.(Tensor|nn|optim|autograd)(\.\w+)*)?|(nn|optim)\.[A-Z]\w*")
BUILTINS = frozenset(dir(builtins)) - {"print", "input"}  # a program may show or ask in its own way


def modules(files: Mapping[str, bytes]) -> dict[str, ast.Module]:
    """Python files, by their names, parsed; none that is no Python."""
    found = {}
    for name, content in files.items():
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[name] = ast.parse(content)
    return found


def callee(call: ast.Call) -> str:
    """The called function's own name, without the object that it is an attribute of."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def stores(nodes: Sequence[ast.AST]) -> Iterator[tuple[str, int]]:
    """Yield the names that are bound or deleted anywhere below, with their lines."""
    for below in chain.from_iterable(map(ast.walk, nodes)):
        if isinstance(below, ast.Name) and isinstance(below.ctx, ast.Store | ast.Del):
            yield below.id, below.lineno
        elif isinstance(below, ast.alias):
            yield (below.asname or below.name).partition(".")[0], below.lineno


def stored(function: ast.FunctionDef) -> set[str]:
    """Names that are local to a function."""
    return {name for name, _ in stores(function.body)} - globals_of(function)


def globals_of(function: ast.AST) -> set[str]:
    return {name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names}


def nonlocals_of(node: ast.AST) -> set[str]:
    """Names of an outer scope that a function or class declares as global or nonlocal."""
    return {name for below in ast.walk(node) if isinstance(below, ast.Nonlocal | ast.Global) for name in below.names}


def unparsed(node: ast.AST) -> str:
    """The code of a node; "" if Python cannot write it: it holds a whole number of too many digits, or is too deep."""
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):
        return ""


def held_out(call: ast.Call) -> bool:
    """Whether a DataSampler is for validation or test images."""
    first = unparsed(call.args[0]).lower() if call.args else ""
    return callee(call) == "DataSampler" and ("val" in first or "test" in first)


def used_in_part(given: ast.expr) -> set[str]:
    """The names in an argument that is an expression, not just a name."""
    whole = isinstance(given, ast.Name)
    return set() if whole else {node.id for node in ast.walk(given) if isinstance(node, ast.Name)}


def own_parts(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield what a file uses in place of the handout's optimizer or network, and the line. Hyperparameters chosen for
    another optimizer, such as one with momentum, do not fit the handout's."""
    called = {callee(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    besides = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name == "training_step")]
    below = chain.from_iterable(map(ast.walk, besides))
    trains = any(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id == "grads" for node in below)
    methods = {
        method.name: node.lineno for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
        for method in node.body if isinstance(method, ast.FunctionDef)
    }  # fmt: skip
    for made, of_the_handout, method in (("an optimizer", "SGD", "step"), ("a network", "TwoLayerNet", "forward")):
        if method in methods or (trains and of_the_handout not in called):
            yield made, methods.get(method, 1)
    for node in ast.walk(tree):
        owner: ast.expr | None = None
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = node.value
        elif isinstance(node, ast.Call) and callee(node) == "setattr" and node.args:
            owner = node.args[0]
        replaced = unparsed(owner).rpartition(".")[2] if owner is not None else ""
        if owner is not None and replaced in ("SGD", "DataSampler"):  # the driver does by itself what these do
            yield "an optimizer" if replaced == "SGD" else "a sampler", owner.lineno


def copied(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where the handout's optimizer gets copies of arrays, or a name that is bound to copies."""
    names = {
        name for node in ast.walk(tree) if isinstance(node, ast.Assign) and copies(node.value)
        for name, _ in stores(node.targets)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and callee(node) == "SGD":
            given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "params")]
            if any(copies(one) or (isinstance(one, ast.Name) and one.id in names) for one in given):
                yield node.lineno


def copies(value: ast.expr) -> bool:
    """Whether parameters() is copied."""
    called = {callee(node) for node in ast.walk(value) if isinstance(node, ast.Call)}
    return "parameters" in called and bool(called & COPIES)


def digs(tree: ast.AST) -> str:
    """What some code asks of the program that runs it: modules that it did not import, frames, all objects, other
    builtins; "" for nothing. To import a module anew, or to see which one is there, is nothing of this."""
    reloaded = {id(one) for node in ast.walk(tree) if isinstance(node, ast.Call) and callee(node) == "reload"
                for one in node.args if isinstance(one, ast.Subscript)}  # fmt: skip
    tables = tables_of_modules(tree)
    found = (dug_by(node, tables) for node in ast.walk(tree) if id(node) not in reloaded)
    return next((name[:40] for name in found if name), "")


def tables_of_modules(tree: ast.AST) -> set[str]:
    """What a file calls the table of all modules."""
    found = {"sys.modules"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {f"{one.asname}.modules" for one in node.names if one.name == "sys" and one.asname}
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            found |= {one.asname or one.name for one in node.names if one.name == "modules"}
    return found


def dug_by(node: ast.AST, tables: set[str]) -> str:
    """What one node asks of the program that runs it; "" for nothing."""
    match node:
        case ast.Import(names):
            return next((one.name for one in names if is_of_runner(one.name)), "")
        case ast.ImportFrom(module, names, level):
            found = str(module) if not level and is_of_runner(str(module)) else ""
            return found or next((one.name for one in names if one.name in FRAMES), "")
        case ast.Attribute(_, name) if name in FRAMES:
            return name
        case ast.Attribute(table, "values" | "items" | "copy") if unparsed(table) in tables:
            return "sys.modules"
        case ast.Assign(value=ast.Attribute() | ast.Name() as table) if unparsed(table) in tables:
            return "sys.modules"
        case ast.Subscript(ast.Attribute() | ast.Name() as table, key, ast.Load()) if unparsed(table) in tables:
            return "" if is_plain(key) else "sys.modules"
        case ast.Call(ast.Attribute(table, "get"), [key, *_]) if unparsed(table) in tables:
            return "" if is_plain(key) else "sys.modules"
        case ast.Constant(str(text)) if reached := FRAMES.intersection(text.split(".")):
            return min(reached)
        case ast.Attribute(ast.Name("builtins" | "__builtins__"), name, ast.Store()) if name in BUILTINS:
            return f"builtins.{name}"
        case ast.Attribute(owner, name, ast.Store()) if name != "load" and WATCHED_WITH.fullmatch(unparsed(owner)):
            return f"{unparsed(owner)}.{name}"
        case ast.Call(ast.Name("setattr"), [ast.Name("builtins" | "__builtins__"), *_]):
            return "builtins"
        case ast.Call(args=[ast.Constant(name), *_]) if callee(node) in ("import_module", "__import__"):
            return str(name) if is_of_runner(str(name)) else ""
    return ""


def is_plain(key: ast.expr) -> bool:
    """Whether the name of a module is written down, and is none of the program that runs this."""
    return not is_of_runner(str(key.value)) if isinstance(key, ast.Constant) else unparsed(key) == "__name__"


def is_of_runner(module: str) -> bool:
    return module.partition(".")[0] in RUNNERS


def sliced(tree: ast.Module) -> Iterator[int]:
    """Yield the lines where a DataSampler for training gets a slice, or a name that is bound to a slice."""
    names = {
        name for node in ast.walk(tree) if isinstance(node, ast.Assign) and slices(node.value)
        for name, _ in stores(node.targets)
    }  # fmt: skip
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and callee(node) == "DataSampler" and node.args and not held_out(node):
            first = node.args[0]
            if slices(first) or (isinstance(first, ast.Name) and first.id in names):
                yield node.lineno


def slices(value: ast.expr) -> bool:
    """Whether a value is a part of an array, or several parts; `data["X"]` is not a part."""
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    return any(isinstance(part, ast.Subscript) and not isinstance(part.slice, ast.Constant) for part in parts)


def retouched(tree: ast.Module) -> Iterator[int]:
    """Yield the lines where images are changed between load_cifar10 and a step, as by a mean that is subtracted."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    binds = [node for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AugAssign)]
    given = [one.args[0] for one in calls if callee(one) == "DataSampler" and one.args and not held_out(one)]
    given += [one.args[1] for one in calls if callee(one) == "training_step" and len(one.args) > 1]
    used_up = {one.id for one in given if isinstance(one, ast.Name)}
    loaded = {
        part.id for node in binds if isinstance(node.value, ast.Call) and callee(node.value) == "load_cifar10"
        for target in getattr(node, "targets", ()) for part in getattr(target, "elts", ())[:1]
        if isinstance(part, ast.Name)
    }  # fmt: skip
    yield from (one.lineno for one in given if changes(one, used_up | loaded))
    for node in binds:
        bound = used_up.intersection(name for name, _ in stores([node]))
        if bound and (isinstance(node, ast.AugAssign) or changes(node.value, used_up | loaded)):
            yield node.lineno


def changes(value: ast.expr, images: Collection[str]) -> bool:
    """Whether a value is made of images by arithmetic or by a function, not only taken from them or of another type."""
    match value:
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return any(changes(part, images) for part in parts)
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case ast.Call(args=parts) if callee(value) not in AS_THEY_ARE:
            pass
        case _:
            return False
    return any(part.id in images if isinstance(part, ast.Name) else changes(part, images) for part in parts)


def used(name: str, scope: ast.AST) -> bool:
    """Whether a name is read in `scope`, or may be: `locals()` and `vars()` read all names."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in (name, "locals", "vars"):
            return True
    return False
