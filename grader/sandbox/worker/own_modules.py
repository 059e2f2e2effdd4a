"""Imports a student's files as modules, under every name that works on the student's computer.

`engine`, `package.engine`, `student.package.engine` and `.engine` are the same module. Some code is skipped:
IPython's own lines; top-level statements that fail only because of this machine, such as one that opens a file which is
not here; and top-level statements of a notebook's code that fail or take long, see cells.py. The report says what was
skipped; it costs no points.
"""

from __future__ import annotations

import ast
import errno
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from locale import Error as LocaleError
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from grader.sandbox.worker import cells, standins
from grader.sandbox.worker.standins import Loader, StandIns

HOME = "student"  # the folder that holds the section's folders
MAGIC = re.compile(r"^(?P<indent>\s*)(?:[%!](?=[a-zA-Z%])|\?).*$")
BEGIN, END = "__begin__", "__end__"  # those of cells.Clock
ELSEWHERE = "__only_elsewhere__"  # the name of the exception test inside a module


class OwnSpec(importlib.machinery.ModuleSpec):
    """The spec of a top-level module in which relative imports work, as if its folder were a package."""

    folder = ""

    @property
    def parent(self) -> str:
        return f"{HOME}.{self.folder}"


class OwnModules:
    """Finds the modules in `folders`, by their own name or with the names of folders before it. What a notebook's code
    does when it is imported may use `seconds` of CPU time."""

    def __init__(self, folders: Sequence[str], stand_ins: StandIns, seconds: float) -> None:
        listed = {Path(folder): sorted(os.listdir(folder)) for folder in folders}  # noqa: PTH208 - glob takes 0.7 ms
        homes = {folder: names for folder, names in listed.items() if "__init__.py" not in names}
        self.files = {
            name.removesuffix(".py"): folder / name
            for folder, names in reversed(homes.items())
            for name in names
            if name.endswith(".py")
        }
        self.packages = {HOME, *(folder.name for folder in homes)}
        self.stand_ins, self.seconds = stand_ins, seconds

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        *parents, stem = name.split(".")
        if not parents and stem in self.files:
            return self.spec(stem)
        if not parents and stem in self.packages:
            return importlib.util.spec_from_loader(name, Folder(), is_package=True)
        parent = sys.modules.get(".".join(parents))
        if not self.may_hold(parents, parent):
            return None
        if stem in self.files:
            return importlib.util.spec_from_loader(name, Alias(stem))
        return importlib.util.spec_from_loader(name, Folder(), is_package=True) if stem in self.packages else None

    def may_hold(self, parents: Sequence[str], parent: ModuleType | None) -> bool:
        """Whether `parents` may name the student's own folders: those of the handout, or ones that are not here."""
        ours = isinstance(getattr(parent, "__loader__", None), Folder)
        absent = isinstance(parent, standins.StandIn) and parents[0] not in standins.HARMLESS
        return ours or absent

    def spec(self, stem: str) -> importlib.machinery.ModuleSpec:
        file = self.files[stem]
        spec = OwnSpec(stem, OwnLoader(stem, str(file), self.stand_ins, self.seconds), origin=str(file))
        spec.has_location = True
        spec.folder = file.parent.name
        return spec


class StoppedError(ImportError):
    """A file that did not end when it was imported, in an earlier process; the text is the module's name."""


class Stopped:
    """Refuses the modules whose import was stopped before: they are not tried again."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name in self.names:
            raise StoppedError(name)


class Folder(Loader):
    """A package that holds only what OwnModules finds under its name."""

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """An ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""


class Alias(Loader):
    """Another name of a module."""

    def __init__(self, stem: str) -> None:
        self.stem = stem

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> None:
        """The import system uses what `exec_module` puts in `sys.modules`."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(self.stem)


class OwnLoader(importlib.machinery.SourceFileLoader):
    """Runs a student's file. The docstring of this module says what it skips."""

    def __init__(self, name: str, path: str, stand_ins: StandIns, seconds: float) -> None:
        super().__init__(name, path)
        self.stand_ins = stand_ins
        self.clock = cells.Clock(seconds)
        self.has_cells = False

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)  # no cache, because the file is run once

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        try:
            return compile(data, path, "exec", dont_inherit=True, optimize=_optimize)
        except SyntaxError:  # a tree takes three times as long
            return compile(self.tree(data, path), path, "exec", dont_inherit=True, optimize=_optimize)

    def tree(self, data: bytes, path: str) -> ast.Module:
        """The file as it was handed in; if that does not parse, without lines that only IPython understands."""
        try:
            return ast.parse(data, path)
        except SyntaxError:
            try:
                lines = importlib.util.decode_source(data).splitlines()
            except (SyntaxError, UnicodeDecodeError):
                raise
            magic = [number for number, line in enumerate(lines, 1) if MAGIC.match(line)]
            if not magic:
                raise
            plain = [MAGIC.sub(r"\g<indent>pass", line) for line in lines]
            tree = ast.parse("\n".join(plain) + "\n", path)
            for number in magic:
                self.tell(number, "is a line for IPython, which a .py file cannot hold; it was skipped")
            return tree

    def exec_module(self, module: ModuleType) -> None:
        content = self.get_data(self.path)
        self.has_cells = cells.EXPORTED.search(content) is not None
        if b"get_ipython" in content:
            vars(module)["get_ipython"] = self.stand_ins.name("get_ipython")
        before = dict(vars(module))
        self.stand_ins.importing += 1
        try:
            if self.has_cells:
                self.exec_patiently(module)
            else:
                super().exec_module(module)
        except BaseException as error:
            if self.has_cells or not only_elsewhere(error):
                raise
            vars(module).clear()
            vars(module).update(before)
            self.exec_patiently(module)
        finally:
            self.stand_ins.importing -= 1

    def exec_patiently(self, module: ModuleType) -> None:
        """Run the file and skip each top-level statement that fails only on this machine, or in a notebook's code."""
        tree = self.tree(self.get_data(self.path), self.path)
        tree.body = [patient(statement, timed=self.has_cells) for statement in tree.body]
        vars(module).update({ELSEWHERE: self.skip, BEGIN: self.clock.begin, END: self.clock.end})
        exec(compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True), vars(module))

    def skip(self, line: int) -> tuple[type[BaseException], ...]:
        """The exception types that a `patient` statement catches: the current one, if this machine is its cause or a
        notebook would go on."""
        error = sys.exc_info()[1]
        if self.has_cells:
            self.clock.end()
        if isinstance(error, cells.TooLong):
            self.tell(line, f"was stopped: {error}")
            return (cells.TooLong,)
        goes_on = self.has_cells and isinstance(error, Exception | SystemExit)
        if error is None or not (goes_on or only_elsewhere(error)):
            return ()
        text = str(error).splitlines()
        self.tell(line, f"raised {type(error).__name__}: {text[0][:120] if text else ''}; it was skipped here")
        return (type(error),)

    def tell(self, line: int, sentence: str) -> None:
        """Add a sentence on a line to the report; on the cell, where the file was made of a notebook."""
        at = cells.cell(self.get_data(self.path).decode("utf-8", "replace"), line) if self.has_cells else ""
        name = Path(self.path).name
        self.stand_ins.tell_of(f"{name}, {at} {sentence}" if at else f"{name}:{line} {sentence}")


def patient(statement: ast.stmt, *, timed: bool) -> ast.stmt:
    """The statement inside its own `try`, and `timed` by the loader's clock. Definitions, imports and docstrings stay
    as they are."""
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    if is_text or isinstance(statement, definitions):
        return statement
    test = called(ELSEWHERE, ast.Constant(statement.lineno))
    body = [statement]
    if timed:
        body = [ast.Try([ast.Expr(called(BEGIN)), statement], [], [], [ast.Expr(called(END))])]
    return ast.copy_location(ast.Try(body, [ast.ExceptHandler(test, None, [ast.Pass()])], [], []), statement)


def called(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(args), [])


def only_elsewhere(error: BaseException) -> bool:
    """Whether this machine caused an exception, and not the student's file: a file, screen, package or argument is
    missing here. Forbidden acts do not count."""
    if isinstance(error, PermissionError):
        return isinstance(error.filename, str) and not Path(error.filename).is_absolute()
    if isinstance(error, OSError):
        return error.errno not in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, LocaleError) or type(error).__name__ == "TclError":
        return True
    if isinstance(error, ModuleNotFoundError):
        return "is not installed" in str(error)
    if isinstance(error, ImportError):
        return "Cannot load backend" in str(error)
    return type(error) is IndexError and beyond_arguments(error)


def beyond_arguments(error: BaseException) -> bool:
    """Whether the statement that raised an IndexError reads the command line."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    try:
        line = Path(trace.tb_frame.f_code.co_filename).read_text(encoding="utf-8").splitlines()[trace.tb_lineno - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return False
    return "argv" in line
