"""Imports a student's files as modules, under every name that works on the student's computer.

`engine`, `package.engine`, `student.package.engine` and `.engine` are the same module. Some code is skipped:

- IPython's own lines;
- top-level statements that fail only because of this machine, such as one that opens a file which is not here;
- what a script does after its first definition, if it takes long, takes much memory or ends the program: that is meant
  for `python script.py`;
- top-level statements of a notebook's code that fail or take long (see cells.py).

The report says what was skipped; it costs no points.
"""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from grader.sandbox.worker import cells, standins
from grader.sandbox.worker.imports import Forbidden, Refused
from grader.sandbox.worker.standins import Loader, StandIns
from grader.sandbox.worker.statements import (
    FUNCTIONS,
    IMPORTS,
    begin_of,
    is_text,
    leave_out,
    only_elsewhere,
    set_by,
    traced,
)

HOME = "student"  # the folder that holds the section's folders
MAGIC = re.compile(r"^(?P<indent>\s*)(?:[%!](?=[a-zA-Z%])|\?).*$")
FUTURE = annotations.compiler_flag  # of `from __future__ import annotations`: no other changes what Python 3 compiles


class OwnSpec(importlib.machinery.ModuleSpec):
    """The spec of a top-level module in which relative imports work, as if its folder were a package."""

    folder = ""

    @property
    def parent(self) -> str:
        return f"{HOME}.{self.folder}"


class OwnModules:
    """Finds the modules in `folders`, by their own name or with the names of folders before it. Together, what they do
    when they are imported and may be left has `seconds` of CPU time."""

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
        self.stand_ins = stand_ins
        self.clock = cells.Clock(seconds, self.may_end)
        self.running: list[OwnLoader] = []  # the loaders of the files that are being imported
        self.in_run = False  # whether a driver's run imports them; it has limits of its own

    def may_end(self, frame: FrameType | None) -> bool:
        """Whether the statement that runs now, in `frame`, may be left."""
        return not self.in_run and bool(self.running) and self.running[-1].may_end(frame)

    def end_sleep(self) -> None:
        """Raise TooLong in a statement that sleeps for long, if it may be left."""
        if self.may_end(sys._getframe()):
            raise cells.TooLong("it sleeps for long")

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
        spec = OwnSpec(stem, OwnLoader(stem, str(file), self), origin=str(file))
        spec.has_location = True
        spec.folder = file.parent.name
        return spec


class StoppedError(ImportError):
    """The import of a file did not end in an earlier process; the message is the module's name."""


class Stopped:
    """Refuses the modules whose import was stopped before."""

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

    def __init__(self, name: str, path: str, home: OwnModules) -> None:
        super().__init__(name, path)
        self.home, self.stand_ins = home, home.stand_ins
        self.has_cells = False
        self.lost: set[str] = set()  # names that skipped statements would have set
        self.names: dict[str, Any] = {}  # the module's

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
            lines = importlib.util.decode_source(data).splitlines()
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
        self.names = vars(module)
        here = os.getcwd()  # noqa: PTH109 - a path object takes longer
        self.home.running.append(self)
        self.stand_ins.importing += 1
        self.home.clock.begin()
        try:
            if self.has_cells:
                self.exec_patiently(module, 0)
            else:
                self.exec_at_once(module)
        finally:
            self.home.clock.end()
            self.stand_ins.importing -= 1
            self.home.running.pop()
            if not self.home.in_run:
                os.chdir(here)  # what a call writes belongs there, wherever the file went

    def exec_at_once(self, module: ModuleType) -> None:
        """Run the file. If a statement is skipped, go on after it."""
        try:
            super().exec_module(module)
        except BaseException as error:
            at = self.at(traced(error))
            if at is None or not self.skip(error, at):
                raise
            self.exec_patiently(module, at + 1)

    def exec_patiently(self, module: ModuleType, first: int) -> None:
        """Run the statements from number `first` on. Each is timed, and may be skipped. Each is compiled alone: in code
        that holds them all, Python 3.11 picks the wrong handler where a loop jumps back."""
        clock = self.home.clock
        clock.end()  # only a statement may be stopped, none of the code between them
        try:
            for at, statement in enumerate(self.statements[first:], first):
                if at and is_text(statement):
                    continue  # it would be taken for the docstring
                code = self.compiled(statement)
                try:
                    clock.begin()
                    try:
                        exec(code, self.names)
                    finally:
                        clock.end()
                except BaseException as error:
                    if not self.skip(error, at):
                        raise
        finally:
            clock.begin()

    def compiled(self, statement: ast.stmt) -> CodeType:
        """The code of one statement, compiled as the file's imports from `__future__` say."""
        code: CodeType = compile(ast.Module([statement], []), self.path, "exec", self.future, dont_inherit=True)
        return code

    @cached_property
    def future(self) -> int:
        whole = compile(ast.Module(list(self.statements), []), self.path, "exec", dont_inherit=True)
        return whole.co_flags & FUTURE

    @cached_property
    def statements(self) -> list[ast.stmt]:
        return self.tree(self.get_data(self.path), self.path).body

    def at(self, steps: Iterable[tuple[CodeType, int]]) -> int | None:
        """The number of the top-level statement that runs. `steps` are (code, instruction) of calls; the first whose
        code is the file itself tells. None if there is no such one."""
        for code, last in steps:
            if code.co_filename == self.path and code.co_name == "<module>":
                line, _, column, _ = next(islice(code.co_positions(), last // 2, None))
                here = line or 0, column or 0
                begun = [at for at, one in enumerate(self.statements) if begin_of(one) <= here]
                return begun[-1] if begun else None
        return None

    def may_end(self, frame: FrameType | None) -> bool:
        """Whether the top-level statement that runs in `frame` may be left when it takes long."""
        steps = []
        while frame is not None:
            steps.append((frame.f_code, frame.f_lasti))
            frame = frame.f_back
        at = self.at(steps)
        return at is not None and not isinstance(self.statements[at], (*FUNCTIONS, *IMPORTS)) and self.is_demo(at)

    def is_demo(self, at: int) -> bool:
        """Whether a statement may be left to `python script.py`, or to a notebook."""
        return self.has_cells or any(isinstance(one, FUNCTIONS) for one in self.statements[:at])

    def skip(self, error: BaseException, at: int) -> bool:
        """Skip statement number `at`, which raised `error`, if it may be skipped; the report says so. A definition is
        run without the part that needs a skipped statement. Returns whether it was skipped."""
        statement = self.statements[at]
        if isinstance(statement, IMPORTS):
            return False
        if isinstance(error, FileNotFoundError) and self.lies_beside(error.filename):
            try:
                self.exec_beside(statement)
            except BaseException as again:
                if not self.goes_on(again, at):
                    raise
                error = again
            else:
                return True
        if isinstance(statement, FUNCTIONS):
            if not (name := self.follows(error)):
                return False
            leave_out(statement, self.lost)
            exec(self.compiled(statement), self.names)
            self.tell(statement.lineno, f"needs {name}, which is not here; that part was left out")
            return True
        if isinstance(error, cells.TooLong):
            why = f"was stopped: {error}"
        elif self.goes_on(error, at):
            text = [*str(error).splitlines(), ""][0][:120]
            act = text if isinstance(error, Refused) else f"raised {type(error).__name__}: {text}"
            why = f"{act}; it was skipped here"
        else:
            return False
        self.lost |= set_by(statement)
        self.tell(statement.lineno, why)
        return True

    def lies_beside(self, name: object) -> bool:
        """Whether a file that was not found where calls write lies beside this one: as a script, it is run there."""
        return isinstance(name, str) and (Path(self.path).parent / os.path.relpath(name)).is_file()

    def exec_beside(self, statement: ast.stmt) -> None:
        """Run a statement in the folder of this file."""
        here = os.getcwd()  # noqa: PTH109
        os.chdir(Path(self.path).parent)
        try:
            exec(self.compiled(statement), self.names)
        finally:
            os.chdir(here)

    def goes_on(self, error: BaseException, at: int) -> bool:
        """Whether an error at top level costs its statement alone."""
        if isinstance(error, SystemExit | MemoryError) and self.is_demo(at):
            return True
        fails = self.has_cells and isinstance(error, Exception) and not isinstance(error, Forbidden)
        return fails or self.follows(error) != "" or only_elsewhere(error)

    def follows(self, error: BaseException) -> str:
        """The name that is missing because a statement was skipped before; "" for another error."""
        return error.name if isinstance(error, NameError) and error.name in self.lost else ""

    def tell(self, line: int, sentence: str) -> None:
        """Add a sentence on a line to the report. If the file was made of a notebook, it names the cell."""
        if self.stand_ins.has_told_all():
            return  # finding a cell in a long file takes long
        at, _ = cells.cell(self.get_data(self.path).decode("utf-8", "replace"), line) if self.has_cells else ("", 0)
        name = Path(self.path).name
        self.stand_ins.tell_of(f"{name}, {at} {sentence}" if at else f"{name}:{line} {sentence}")
