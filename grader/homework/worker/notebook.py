"""Cells -> Python statements in an order that runs, without magics and shell commands.

This only reads text. notebook_run.py runs all statements and sees then which of them train.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"  # a student's own version may be newer
# Cell magics whose cell is still Python; all others pass the cell to another program.
PYTHON_MAGICS = frozenset(("capture", "time", "timeit", "prun", "python", "python3"))
MAGIC = re.compile(r"(?P<indent>\s*)(?P<target>\w[\w, ]*=\s*)?(?:%(?=[a-zA-Z])|!|\?{1,2}\w).*")
HELP = re.compile(r"\s*[\w.]+\?{1,2}\s*")
CELL_MAGIC = re.compile(r"%%(\w+)?.*")
# Line magics that run the code after them: `%time fit()`, `%timeit -n 1 -r 1 fit()`, `result = %prun -s time fit()`.
TIMED = re.compile(
    r"(?P<indent>\s*)(?P<target>\w[\w, ]*=\s*)?%(?:time|timeit|prun|memit|mprun|lprun|snakeviz|debug)[ \t]+"
    r"(?:-(?:[nrstlDTfm](?![a-zA-Z])[ \t]*[\w.]+|\w+)[ \t]+)*(?P<code>[^\s-].*)"
)
# Lines that run a file: `%run train.py`, `!python -u train.py --epochs 3`.
SCRIPT = re.compile(
    r"(?P<indent>\s*)(?:%run|[!%](?:time[ \t]+)?python3?|!\{sys.executable\})[ \t]+(?:-\w[ \t]+)*"
    r"(?P<line>[\"']?[^\s\"'-][^\s\"']*\.py\b.*)"
)

WRITTEN = re.compile(
    r"%%(?:writefile|file)[ \t]+(?P<append>-a[ \t]+|--append[ \t]+)?[\"']?(?P<path>[^\s\"']+\.py)[\"']?\s*"
)

# Names in part1.ipynb, in upper or lower case; their last values are shown.
EPOCHS = ("num_epoch", "num_epochs", "n_epoch", "n_epochs", "nepochs", "max_epoch", "max_epochs", "epochs", "epoch")
NAMES = frozenset(("criterion", "optimizer", "batch_size", "learning_rate", "lr", "weight_decay", *EPOCHS))
COUNTED = frozenset(("range", "trange", "arange"))
MODELS = frozenset(("model", "net", "network", "cnn"))


def written(source: str) -> tuple[str, bool, str] | None:
    """The Python file that a cell writes by `%%writefile`: its path, whether the cell appends, and the text."""
    first, _, body = source.replace("\r\n", "\n").lstrip().partition("\n")
    magic = WRITTEN.fullmatch(first)
    return (magic["path"], bool(magic["append"]), body) if magic else None


def code(source: str) -> str:
    """All Python in a cell: the code that runs, or the code that it writes to a file."""
    file = written(source)
    return plain(source if file is None else f"\n{file[2]}")


def plain(source: str) -> str:
    """A cell as pure Python, line for line. Of magics that time code, the code remains; lines that run a file become a
    call; other magics, shell commands and `?` lines become `pass`.

    A cell in another language becomes empty. A cell that parses is not changed.
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
    """Yield the lines; continuation lines of a command (after a backslash) become empty."""
    inside = False
    for line in lines:
        magic = bool(MAGIC.fullmatch(line)) and not TIMED.fullmatch(line)
        yield "" if inside else line
        inside = line.endswith("\\") and (inside or magic)


def plain_line(line: str) -> str:
    if HELP.fullmatch(line):
        return re.match(r"\s*", line)[0] + "pass"  # type: ignore[index]
    if timed := TIMED.fullmatch(line):
        return f"{timed['indent']}{timed['target'] or ''}{timed['code']}"
    if script := SCRIPT.fullmatch(line):
        return f"{script['indent']}get_ipython().run_line_magic('run', {script['line']!r})"
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
    """One top-level statement of a cell: the names that it binds, and those that it reads, also inside functions."""

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
    """The `statements` in the order to run them.

    `unread` are cells that are not Python: (cell, line, problem). `files` are the modules that cells write, by path.
    """

    statements: list[Statement] = field(default_factory=list)
    unread: list[tuple[int, int, str]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


def program(cells: Sequence[tuple[int, str, int | None]]) -> Program:
    """The program of `(number, source, execution count)` cells.

    Cells are taken in the order of the file. If some names are then read before they are bound, and fewer are in the
    order in which the student ran the cells, that order is taken.
    """
    statements, unread = read(cells)
    _, broken = read([(number, code(source), count) for number, source, count in cells if written(source)])
    order = {number: count for number, _, count in cells}
    early = too_early(statements)
    if early and all(order[statement.cell] is not None for statement in statements):
        as_run = sorted(statements, key=lambda statement: order[statement.cell] or 0)
        if len(too_early(as_run)) < len(early):
            statements = as_run
    return Program(statements, unread + broken, files(source for _, source, _ in cells))


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
    return [statement(number, node) for number, node in nodes], unread


def imported(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in inner.names)


def statement(cell: int, node: ast.stmt) -> Statement:
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    reads = frozenset(name.id for name in names if isinstance(name.ctx, ast.Load))
    binds = {inner.name for inner in ast.walk(node) if isinstance(inner, DEFINITIONS)} | set(imported(node))
    if isinstance(node, DEFINITIONS):
        return Statement(cell, node, frozenset({node.name}), reads, True)
    binds |= {name.id for name in names if isinstance(name.ctx, ast.Store)}
    return Statement(cell, node, frozenset(binds), reads, isinstance(node, (ast.Import, ast.ImportFrom)))


DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def rounds(program: Program, cell: int, line: int) -> Iterator[tuple[str, ast.expr]]:
    """Yield (variable, call of range) for each counting `for` loop around a line of a cell, the outermost first."""
    for one in program.statements:
        for loop in ast.walk(one.node) if one.cell == cell else ():
            if isinstance(loop, ast.For) and loop.lineno <= line <= (loop.end_lineno or 0):
                counted = [each for each in ast.walk(loop.iter) if isinstance(each, ast.Call) and counts(each)]
                yield from ((ast.unparse(loop.target), call) for call in counted[:1])


def counts(call: ast.Call) -> bool:
    """`range(n)`, `np.arange(n)`"""
    return getattr(call.func, "id", getattr(call.func, "attr", "")) in COUNTED


def too_early(statements: Sequence[Statement]) -> set[str]:
    """Names that are read, directly or by a called function, before they are bound further down."""
    definitions = {name: one for one in statements if one.defines for name in one.binds}
    last = {name: at for at, one in enumerate(statements) for name in one.binds}
    bound: set[str] = set()
    seen: set[str] = set()  # names read so far; each is examined once
    found: set[str] = set()
    for at, one in enumerate(statements):
        waiting = set() if one.defines else set(one.reads) - seen
        while waiting:
            name = waiting.pop()
            seen.add(name)
            if name not in bound and name not in one.binds and last.get(name, -1) > at:
                found.add(name)
            waiting |= definitions[name].reads - seen if name in definitions else set()
        bound |= one.binds
    return found
