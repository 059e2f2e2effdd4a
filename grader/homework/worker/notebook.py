"""Cells -> a program: of all that a notebook does, what its training needs, in an order that runs.

A notebook also draws, prints, mounts drives and installs packages. What is kept starts from the statements that lead to
a call of `backward()` and goes back through the names that they need. Only the text is read here; see
notebook_run.py for how it is run.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"  # students' own may read more
# Cell magics whose cell is still Python; any other hands the cell to something else.
PYTHON_MAGICS = frozenset(("capture", "time", "timeit", "prun", "python", "python3"))
MAGIC = re.compile(r"(?P<indent>\s*)(?P<target>\w[\w, ]*=\s*)?(?:%(?=[a-zA-Z])|!|\?{1,2}\w).*")
HELP = re.compile(r"\s*[\w.]+\?{1,2}\s*")
CELL_MAGIC = re.compile(r"%%(\w+)?.*")

WRITTEN = re.compile(
    r"%%(?:writefile|file)[ \t]+(?P<append>-a[ \t]+|--append[ \t]+)?[\"']?(?P<path>[^\s\"']+\.py)[\"']?\s*"
)

# What part1.ipynb calls its things, in any case; their last values are shown, also when training does not need them.
EPOCHS = ("num_epoch", "num_epochs", "n_epoch", "n_epochs", "nepochs", "max_epoch", "max_epochs", "epochs", "epoch")
NAMES = frozenset(("criterion", "optimizer", "batch_size", "learning_rate", "lr", "weight_decay", *EPOCHS))
COUNTED = frozenset(("range", "trange", "arange"))
DATA = frozenset(("FashionMNIST", "DataLoader"))  # who makes one of these is run: it says how pictures become inputs
MODELS = frozenset(("model", "net", "network", "cnn"))


def written(source: str) -> tuple[str, bool, str] | None:
    """The Python file that a cell writes by `%%writefile`: its path, whether it is appended to, and the text."""
    first, _, body = source.replace("\r\n", "\n").lstrip().partition("\n")
    magic = WRITTEN.fullmatch(first)
    return (magic["path"], bool(magic["append"]), body) if magic else None


def code(source: str) -> str:
    """All Python in a cell: what is run, or what it writes to a file."""
    file = written(source)
    return plain(source if file is None else f"\n{file[2]}")


def plain(source: str) -> str:
    """A cell as Python alone, line for line: magics, shell commands and questions become `pass`.

    A cell that belongs to another language is empty. What parses as it stands is left alone.
    """
    lines = source.replace("\r\n", "\n").split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
    if first is None:
        return source
    while first < len(lines) and (magic := CELL_MAGIC.fullmatch(lines[first].strip())):
        if magic[1] not in PYTHON_MAGICS:
            return ""
        lines[first] = ""
        first += 1
    if parses("\n".join(lines)):
        return "\n".join(lines)
    return "\n".join(map(plain_line, joined(lines)))


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Lines of a command that ends in a backslash become empty after its first."""
    inside = False
    for line in lines:
        magic = bool(MAGIC.fullmatch(line))
        yield "" if inside else line
        inside = line.endswith("\\") and (inside or magic)


def plain_line(line: str) -> str:
    if HELP.fullmatch(line):
        return re.match(r"\s*", line)[0] + "pass"  # type: ignore[index]
    magic = MAGIC.fullmatch(line)
    if magic is None:
        return line
    return f"{magic['indent']}{magic['target']}[]" if magic["target"] else f"{magic['indent']}pass"


def parses(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


@dataclass(frozen=True)
class Statement:
    """One statement of a cell's top level: the names it binds or changes, and those it reads, in functions too."""

    cell: int
    node: ast.stmt
    binds: frozenset[str]
    reads: frozenset[str]
    defines: bool

    @property
    def text(self) -> str:
        return ast.unparse(self.node)[:200]


@dataclass
class Program:
    """What is run: `setup` first, then `training`, the statements that train and all that stands between them.

    `unread` are cells that are not Python: (cell, line, what is wrong). `files` are the modules that cells write, by
    their paths.
    """

    setup: list[Statement] = field(default_factory=list)
    training: list[Statement] = field(default_factory=list)
    unread: list[tuple[int, int, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


def program(cells: Sequence[tuple[int, str, int | None]]) -> Program:
    """The program of `(number, source, execution count)` cells.

    They are taken in the order of the file; where training would then miss a name that is bound only later, in the
    order in which they were run.
    """
    statements, unread = read(cells)
    modules, broken = read([(number, code(source), count) for number, source, count in cells if written(source)])
    order = {number: count for number, _, count in cells}
    if lacking(statements) and all(order[statement.cell] is not None for statement in statements):
        as_run = sorted(statements, key=lambda statement: order[statement.cell] or 0)
        if len(lacking(as_run)) < len(lacking(statements)):
            statements = as_run
    return Program(*sliced(statements, modules), unread + broken, files(source for _, source, _ in cells))


def files(sources: Iterable[str]) -> dict[str, str]:
    """The Python files that cells write, by path."""
    found: dict[str, str] = {}
    for path, appended, text in filter(None, map(written, sources)):
        found[path] = found.get(path, "") + text if appended else text
    return found


def read(cells: Sequence[tuple[int, str, int | None]]) -> tuple[list[Statement], list[tuple[int, int, str]]]:
    nodes: list[tuple[int, ast.stmt]] = []
    unread = []
    for number, source, _ in cells:
        try:
            nodes += [(number, node) for node in ast.parse(plain(source)).body]
        except SyntaxError as error:
            unread.append((number, error.lineno or 1, f"{PYTHON} cannot read it: {error.msg}"))
        except (ValueError, RecursionError, MemoryError) as error:
            unread.append((number, 1, f"{PYTHON} cannot read it: {str(error) or 'it is nested too deeply'}"))
    libraries = frozenset(name for _, node in nodes for name in imported(node))
    return [statement(number, node, libraries) for number, node in nodes], unread


def imported(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in inner.names)


def statement(cell: int, node: ast.stmt, libraries: Collection[str]) -> Statement:
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    reads = frozenset(name.id for name in names if isinstance(name.ctx, ast.Load))
    binds = {inner.name for inner in ast.walk(node) if isinstance(inner, DEFINITIONS)} | set(imported(node))
    if isinstance(node, DEFINITIONS):
        return Statement(cell, node, frozenset({node.name}), reads, True)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return Statement(cell, node, frozenset(binds), reads, True)
    binds |= {name.id for name in names if isinstance(name.ctx, ast.Store)} | changes(node, libraries)
    return Statement(cell, node, frozenset(binds), reads, False)


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def changes(node: ast.stmt, libraries: Collection[str]) -> set[str]:
    """Names whose objects a statement works on: `x.y = ...`, `x[0] = ...`, `x.apply(...)`, `for p in x.parameters()`,
    `for p in [x, y]: p.requires_grad_()`, `init_weights(x)`. Of a library, only what seeds or sets something:
    `torch.manual_seed(0)`."""
    found = {
        root(inner)
        for inner in ast.walk(node)
        if isinstance(inner, (ast.Attribute, ast.Subscript)) and isinstance(inner.ctx, ast.Store)
    }
    if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Attribute):
        found.add(root(node.iter.func))
    if isinstance(node, ast.For) and {name for inner in node.body for name in changes(inner, libraries)} & named(
        node.target
    ):
        found |= named(node.iter)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function, arguments = node.value.func, {root(argument) for argument in node.value.args}
        if isinstance(function, ast.Attribute) and function.attr.endswith("_"):  # nn.init.zeros_(model.fc.bias)
            found |= {root(function), *arguments}
        elif isinstance(function, ast.Attribute):
            if root(function) not in libraries or re.search("seed|^set_", function.attr):
                found.add(root(function))
        elif isinstance(function, ast.Name) and re.search("init|seed", function.id, re.IGNORECASE):
            found |= {function.id, *arguments}
    return found - {""}


def named(node: ast.expr) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def root(node: ast.expr) -> str:
    """The name that an expression starts from: `model` of `model.fc[0].weight`; "" where it is none."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


# Which statements train


def called(node: ast.AST) -> Iterator[str]:
    """All functions and methods that are called anywhere within: "train", ".backward"."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Name):
                yield inner.func.id
            elif isinstance(inner.func, ast.Attribute):
                yield f".{inner.func.attr}"


def trainers(statements: Iterable[Statement]) -> frozenset[str]:
    """Functions and ".methods" of the notebook that lead to `backward()`."""
    calls: dict[str, set[str]] = {}
    for statement in statements:
        methods = {
            inner for outer in ast.walk(statement.node) if isinstance(outer, ast.ClassDef) for inner in outer.body
        }
        for inner in ast.walk(statement.node):
            if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and inner.name != "__init__":
                name = f".{inner.name}" if inner in methods else inner.name
                calls.setdefault(name, set()).update(called(inner))
    callers: dict[str, list[str]] = {}
    for name, within in calls.items():
        for one in within:
            callers.setdefault(one, []).append(name)
    found, waiting = {".backward"}, [".backward"]
    while waiting:
        fresh = set(callers.get(waiting.pop(), ())) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)


def trains(one: Statement, names: Collection[str]) -> bool:
    return not one.defines and any(name in names for name in called(one.node))


def rounds(program: Program, cell: int, line: int) -> Iterator[tuple[str, ast.expr]]:
    """(variable, call of range) of each `for` around a line of a cell that counts, the outermost first."""
    for one in [*program.setup, *program.training]:
        for loop in ast.walk(one.node) if one.cell == cell else ():
            if isinstance(loop, ast.For) and loop.lineno <= line <= (loop.end_lineno or 0):
                counted = [each for each in ast.walk(loop.iter) if isinstance(each, ast.Call) and counts(each)]
                yield from ((ast.unparse(loop.target), call) for call in counted[:1])


def counts(call: ast.Call) -> bool:
    """`range(n)`, `np.arange(n)`"""
    return getattr(call.func, "id", getattr(call.func, "attr", "")) in COUNTED


# Which statements training needs


def sliced(
    statements: Sequence[Statement], modules: Sequence[Statement] = ()
) -> tuple[list[Statement], list[Statement]]:
    """What is run before training, and training with all that is needed between its statements.

    Of what stands after training only what says how pictures become inputs is run, beforehand. `modules` are statements
    of files that the notebook writes: they may lead to training, and run when they are imported.
    """
    training = trainers([*statements, *modules])
    marks = [trains(one, training) for one in statements]
    first = marks.index(True) if True in marks else len(statements)
    last = len(marks) - 1 - marks[::-1].index(True) if True in marks else len(statements)
    after = statements[last + 1 :]
    shown = {name for one in statements for name in one.binds if name.lower() in NAMES}
    needed = needs(statements[: last + 1], marks, {*shown, *MODELS})
    late = needs(after, [False] * len(after), set())
    setup: list[Statement] = []
    run: list[Statement] = []
    for at, (one, mark) in enumerate(zip(statements, marks, strict=True)):
        if mark or says_data(one) or one.binds & ((needed | late) if at <= last else late):
            (run if first <= at <= last else setup).append(one)
    return setup, run


def needs(statements: Sequence[Statement], marks: Sequence[bool], names: Collection[str]) -> set[str]:
    """`names`, and all that training and the data need, through the statements that bind or change it."""
    binders: dict[str, list[Statement]] = {}
    needed, looked_at = set(names), set[int]()
    for one, mark in zip(statements, marks, strict=False):
        if mark or says_data(one):
            needed |= one.reads
        for name in () if mark else one.binds:
            binders.setdefault(name, []).append(one)
    waiting = list(needed)
    while waiting:
        for one in binders.pop(waiting.pop(), ()):
            if id(one) not in looked_at:
                looked_at.add(id(one))
                fresh = one.reads - needed
                needed |= fresh
                waiting += fresh
    return needed


def says_data(one: Statement) -> bool:
    return not one.defines and any(name.lstrip(".") in DATA for name in called(one.node))


def lacking(statements: Sequence[Statement]) -> set[str]:
    """Names that training reads, in functions too, and that are bound only after it."""
    training = sliced(statements)[1]
    if not training:
        return set()
    start = next(at for at, one in enumerate(statements) if one is training[0])
    definitions = {name: one for one in statements if one.defines for name in one.binds}
    trained = {id(one) for one in training}
    before = {name for one in statements[:start] for name in one.binds}
    after = {name for one in statements[start:] for name in one.binds if id(one) not in trained}
    found: set[str] = set()
    waiting = {name for one in training for name in one.reads}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= definitions[name].reads - found if name in definitions else set()
    return (found & after) - before
