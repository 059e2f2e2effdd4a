"""`@check`; `load`, which loads a homework; and `Subject`, the `hw` that each check gets."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from importlib.util import LazyLoader, find_spec, module_from_spec, resolve_name
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, signature, unwrap
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from grader import handout, rubric
from grader.clock import clock, seconds_of
from grader.errors import Skipped, StudentError, UsageError
from grader.model import Check, Figure, Homework, Item, Measure, Rubric, Section, Task
from grader.reference import RECORDED, Live, Recorded
from grader.sandbox.check_line import line
from grader.sandbox.reader import read
from grader.sandbox.remote import Call, Module, Remote, each, operated, place_of
from grader.sandbox.replies import Differences
from grader.sandbox.session import Cost, Session
from grader.sandbox.setup import home, import_name, lay_shims
from grader.sandbox.worker.drivers import add_package
from grader.sandbox.worker.operate import OPERATORS
from grader.sandbox.worker.wire import Handle

Function = TypeVar("Function", bound=Callable[..., Any])
Made = TypeVar("Made")
ROOT = Path(__file__).resolve().parent.parent
HOMEWORK = "grader.homework"
OWN = ROOT / "grader" / "homework"
IMPORTING = threading.Lock()  # all threads share sys.modules and sys.path
TREES = {"reference", "student", "fixtures", "right", "wrong"}  # folders of a homework that hold none of its code
TAKEN = sys.stdlib_module_names | {"numpy", "torch", "grader"}  # names by which students' files cannot be imported
STEP = 2.0**-26  # of random numbers
ABSOLUTE = re.compile(rb"^[ \t]*(from|import)[ \t]+grader\.homework\b", re.MULTILINE)


def check(item: str, about: str = "") -> Callable[[Function], Function]:
    """Make a function `(hw, rng)` a check of one item of the rubric. Its docstring's first line is its title.

    `about` names the student's function that it tests, so that the report can show that function's line.
    """

    if isinstance(item, FunctionType):  # `@check` alone
        where = f"{item.__code__.co_filename}:{item.__code__.co_firstlineno}"
        raise UsageError(f'{where}: write @check("ITEM"), with an item of the rubric')

    def mark(function: Function) -> Function:
        where = f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}: {function.__name__}"
        try:
            signature(function).bind(None, None)
        except TypeError:
            raise UsageError(f"{where}{signature(function)} must take two arguments, (hw, rng)") from None
        if isinstance(getattr(function.__globals__.get(function.__name__), "check", None), Check):
            raise UsageError(f"{where} is defined twice in this file; rename one")
        title = (function.__doc__ or "").strip().partition("\n")[0]
        if not title:
            raise UsageError(f"{where} has no docstring; its first line is what students read")
        if function.__code__.co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR):
            raise UsageError(
                f"{where} is a generator or async, so a call of it checks nothing; write `def` without `yield`"
            )
        function.check = Check(function.__name__, item, title, function, about)  # type: ignore[attr-defined]
        return function

    return mark


class Draws(np.random.Generator):
    """Random numbers for a check, the same on every machine. A number that is not whole is a multiple of STEP, so no
    processor rounds its last digit otherwise. The reference's recorded answers are found by the exact question."""

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        return on_grid(super().normal(loc, scale, size))

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        return on_grid(super().uniform(low, high, size))


def on_grid(value: Any) -> Any:
    return np.rint(value / STEP) * STEP


class Numbers(Mapping[str, float]):
    """An item's numbers by name. Raises UsageError if a check reads a number that the rubric does not have."""

    def __init__(self, homework: Homework, item: Item) -> None:
        self.rubric, self.item = homework.rubric, item

    def __getitem__(self, name: str) -> float:
        if name not in self.item.settings:
            raise UsageError(
                f"{self.rubric.where('item', self.item.id)}: item {self.item.id} has no {name}, but one of its checks "
                f"reads it; add `{name}:`"
            )
        return self.item.settings[name]

    def __contains__(self, name: object) -> bool:
        return name in self.item.settings

    def __iter__(self) -> Iterator[str]:
        return iter(self.item.settings)

    def __len__(self) -> int:
        return len(self.item.settings)

    def get(self, name: str, default: Any = None) -> Any:
        return self.item.settings.get(name, default)


@dataclass(frozen=True)
class Options:
    """Options of a run; every check gets them.

    `data` reads a data set by its name in the rubric. `full` trains to the end even if the bar is reached earlier.
    `read` holds the data sets that were read. `kept` holds values that checks of one submission share (see `once`),
    each with the files that it was made of.
    """

    data: Callable[[str], Any]
    full: bool = False
    on_progress: Callable[[str], None] = lambda text: None
    read: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, tuple[Any, frozenset[str]]] = field(default_factory=dict)


class Subject:
    """`hw`: the student's modules by name, the reference's modules, and the numbers of the item that is graded.

    `__getattr__` finds the modules, so no module may have the name of an attribute of this class: see RESERVED.
    """

    session: Session
    homework: Homework
    reference: Any
    recording: bool
    item: Item
    task: Task
    settings: Mapping[str, float]
    fixtures: Path
    full: bool
    progress: Callable[[str], None]
    options: Options
    measures: list[Measure]
    advice: list[str]
    figures: list[Figure]
    questions: list[str]
    seeds: np.random.Generator  # for random numbers in the student's process; they reveal nothing about `rng`

    def __init__(self, session: Session, homework: Homework, item: Item, options: Options) -> None:
        self.session = session
        self.homework = homework
        self.reference = homework.answers.modules
        self.recording = homework.answers.recording
        self.item = item
        self.task = next(task for task in homework.rubric.tasks if item in task.items)
        self.settings = Numbers(homework, item)
        self.fixtures = homework.fixtures
        self.full = options.full
        self.progress = options.on_progress
        self.options = options
        self.measures = []
        self.advice = []
        self.figures = []
        self.questions = []
        self.seeds = np.random.default_rng()

    def __getattr__(self, name: str) -> Module:
        if name.startswith("_") or name not in self.session.section.modules:
            raise AttributeError(f"section {self.session.section.id} has no module {name}")
        return Module(self.session, name)

    @property
    def tolerance(self) -> float:
        """The largest absolute error that the item allows."""
        return self.settings["tolerance"]

    @property
    def mutated(self) -> tuple[int | str, ...]:
        """Positions and names of the arguments that the last call, or any of the last `map` or `each`, changed."""
        return self.session.mutated

    @property
    def changed(self) -> Mapping[int | str, Any]:
        """The new values of arguments that the last call, or a call of the last `map` or `each`, changed in place, by
        position or name. `[]` also gives an argument that it did not change.

        The student's code works on copies, so the check's own arguments do not change.
        """
        return self.session.changed

    @property
    def differences(self) -> Sequence[Differences]:
        """Signs of finite differences that were seen during this check's `watched` calls."""
        return self.session.differences

    def each(self, calls: Sequence[Call], inputs: Sequence[Sequence[Any]] = ()) -> Iterator[Any]:
        """The answers to calls of functions of one name, such as a method of several objects, in one round trip: each
        is (function, arguments). Where one fails, the answers before it come first; then its error is raised. `inputs`
        is as in `watched`."""
        return each(calls, inputs)

    def put(self, value: Any) -> Remote:
        """Store a value in the student's process, so that several calls share it and see each other's changes."""
        held: Remote = self.session.ask("put", Handle(0, "value"), (), [(value,)])[0]
        return held

    def fetch(self, remote: Remote) -> Any:
        """The value of a list, dict, array or tensor that lies in the student's process."""
        return operated(self.session, *place_of(remote), "itself")

    def generator(self, seed: int) -> Remote:
        """`np.random.default_rng(seed)` in the student's process, for functions that take a generator."""
        held: Remote = self.session.ask("generator", Handle(0, "Generator"), (), [(seed,)])[0]
        return held

    def printed(self) -> str:
        """What the last call printed to standard output, as far as the report would show it."""
        asked: str = self.session.look("printed", ())
        return asked

    def raised(self) -> Remote:
        """The exception that the last call raised, as an object in the student's process."""
        held: Remote = self.session.look("raised", ())
        return held

    def typed(self, text: str) -> None:
        """What `input()` and `sys.stdin` of the student's code read from now on, until the check ends."""
        self.session.look("type", (text,))

    def put_file(self, name: str, content: str | bytes) -> None:
        """Write a file into the folder in which the student's code runs."""
        self.session.look("put file", (name, content.encode() if isinstance(content, str) else content))

    def fetch_file(self, name: str) -> bytes:
        """The content of a file that the student's code wrote. Raises NotImplementedYet if there is none."""
        content: bytes = self.session.look("fetch file", (name,))
        return content

    def restart(self) -> None:
        """End the student's process and all its objects. The next call starts a process that finds the files which this
        one wrote, and nothing else of it."""
        self.session.renew(keep_files=True)

    def written(self) -> int:
        """Bytes, compressed, of the files that the student's process wrote: about how much they can tell the next
        one."""
        return self.session.written()

    def operate(self, name: str, remote: Remote, *args: Any) -> Any:
        """The result of an operator on a student's object. `name` is its name in Python's `operator` module, such as
        "eq", "lt" or "contains"; the object's own method computes the result."""
        if name not in OPERATORS:
            raise UsageError(f"{line()}: hw.operate knows no {name!r}; the names are those of Python's module operator")
        return operated(self.session, *place_of(remote), name, *args)

    def cost(self, call: Callable[[], Any]) -> Cost:
        """CPU seconds and peak memory of `call`, in the student's process and in this one. Raises Skipped if the system
        cannot measure them."""
        self.homework.answers.costing = True
        try:
            return self.session.cost(call)
        finally:
            self.homework.answers.costing = False

    def data(self, name: str) -> Any:
        """A data set that the rubric declares for this item, or its stand-in. It is read on first use.

        Raises UsageError if neither the item nor its task declares it: the key of a stored result covers declared data
        only. Raises Skipped if it is absent and has no stand-in.
        """
        if name not in (*self.item.data, *self.task.data):
            where = self.homework.rubric.where("item", self.item.id)
            raise UsageError(f"{where}: a check of item {self.item.id} reads {name}; add `data: [{name}]`")
        read = self.options.read
        if name not in read:
            read[name] = self.options.data(name)
        if read[name] is None:
            title, command = self.homework.rubric.data[name].title, f"python grade.py data{self.homework.option}"
            raise Skipped(f"{title} is not on this machine; `{command}` says how to get it")
        return read[name]

    def once(self, key: str, make: Callable[[], Made]) -> Made:
        """The result of `make`, computed by the first check of this submission that asks for `key`."""
        kept, asked = self.options.kept, self.session.asked.names
        if key not in kept:
            kept[key] = make(), frozenset(asked)
        found: Made
        found, files = kept[key]
        asked |= files  # a later check depends on them, too
        return found

    def read_apart(self, function: Callable[..., Made], *args: Any, about: str) -> Made:
        """What a function of the homework reads from something that was handed in, such as the file `about`. It runs in
        a process of its own, with limits of time and memory (see sandbox/reader.py). It is read once for all checks of
        this submission, even if a StudentError is raised."""

        def reading() -> Made | StudentError:
            try:
                return read(function, *args, limits=self.session.limits, about=about)
            except StudentError as error:
                return error

        found = self.once(f"{function.__module__}.{function.__qualname__} of {about}", reading)
        if isinstance(found, StudentError):
            raise type(found)(found.message, where=found.where)
        return found

    def source(self, name: str) -> bytes:
        """A file as it was submitted; the handout's file if it was not submitted."""
        self.session.require_file(name)
        return self.session.submission.files.get(name) or self.handed_out(name)

    def handed_out(self, name: str) -> bytes:
        """A file of the pristine handout, by its path or base name; the section's own before others."""
        paths = {Path(path).name: path for path in (*self.homework.handout, *self.session.section.modules.values())}
        paths |= {path: path for path in self.homework.handout}
        if name not in paths:
            raise UsageError(f"{line()}: the handout holds no {name}; correct the name, or list it under `handout:`")
        return self.homework.handout[paths[name]]

    def settings_of(self, item: str) -> Mapping[str, float]:
        """The numbers of another item of the same task; a task's result never depends on another task's."""
        return Numbers(self.homework, next(one for one in self.task.items if one.id == item))

    def policy(self, item: str, name: str) -> str:
        """What the rubric says a finding costs. "advice" costs nothing, "part" costs a part of the points, and "judged"
        costs what any mistake costs. With "question", the default, a person decides."""
        found = next(one for one in self.task.items if one.id == item)
        return found.policies.get(name, "question")

    def ask_once(self, key: bytes, make: Callable[[], Made]) -> Made:
        """What the reference gives, computed by `make` once for each `key`, which names everything that decides it."""
        found: Made = self.homework.answers.once(key, make)
        return found

    def measure(self, measure: Measure) -> None:
        """Add a number and its bar to the report, whether it passes or not."""
        self.measures.append(measure)

    def advise(self, sentence: str) -> None:
        """Add a sentence to the report that costs no points."""
        if sentence not in self.advice:
            self.advice.append(sentence)

    def draw(self, figure: Figure) -> None:
        """Show a picture beside this check, whether it passes or not."""
        self.figures.append(figure)

    def review(self, sentence: str) -> None:
        """Ask a person a question. Until it is answered, the check's points count."""
        self.questions.append(sentence)


RESERVED = frozenset(dir(Subject)) | Subject.__annotations__.keys()  # names that no module of a student may have


class Opened(NamedTuple):
    """A homework's folder whose checks are not imported yet. `root` holds reference/ and fixtures/."""

    folder: Path
    root: Path
    plan: Rubric
    handout: Mapping[str, bytes]


def open_folder(folder: Path, *, root: Path | None = None) -> Opened:
    """Read a homework's rubric.yaml and what it hands out. Raises UsageError if parts are missing.

    `root` holds reference/ and fixtures/. By default it is the folder if they lie in it, else this project.
    """
    plan = rubric.load(folder / "rubric.yaml")
    root = root or handout.home(folder)
    named = (path for section in plan.sections for path in section.modules.values())
    if root == ROOT and folder.resolve() != OWN and not any((ROOT / "reference" / path).exists() for path in named):
        raise UsageError(f"{folder} holds no folder reference, the solution; add it")
    expect_parts(plan, root, folder)
    return Opened(folder, root, plan, handout.pristine(root, plan))


def load(folder: Path, *, root: Path | None = None) -> Homework:
    """Load a homework's folder; see `open_folder` and `imported`."""
    return imported(open_folder(folder, root=root))


def imported(opened: Opened) -> Homework:
    """The homework with its checks. Raises UsageError if rubric.yaml and its task files contradict each other."""
    folder, root, plan, given = opened
    package, seconds = open_package(folder), seconds_of(plan.limits)
    checks = checks_in(folder, package, seconds)
    if not (root / "reference").is_dir():
        checks |= unseen(plan, checks)
    expect_agreement(plan, checks)
    readers = {name for data in plan.data.values() for name in (data.reader, data.stand_in) if name}
    own = (package, str(folder.resolve()))
    with clock(f"the import of {root / 'reference'}", seconds):
        plan = replace(plan, sections=tuple(replace(section, package=own) for section in plan.sections))
        modules, answers, functions = ask(root, plan)
    expect_stand_ins(plan, modules)
    sections = tuple(replace(section, functions=functions) for section in plan.sections)
    return Homework(
        folder=folder,
        rubric=replace(plan, sections=sections),
        checks=checks,
        handout=given,
        reference=root / "reference",
        fixtures=root / "fixtures",
        modules=modules,
        answers=answers,
        package=package,
        readers={name: reader(plan, package, folder, name) for name in readers},
    )


def checks_in(folder: Path, package: str, seconds: float) -> dict[str, Check]:
    """The checks in a homework's task files, each of which may take some `seconds` to import. Raises UsageError for a
    file that cannot be imported, for a name that two checks have, and for pytest's marks."""
    checks: dict[str, Check] = {}
    for path in sorted(folder.glob("*.py")):
        if path.name == "__init__.py":
            continue
        with clock(f"the import of {path}", seconds):
            module = import_file(package, path)
        for found in checks_of(module):
            if marks := getattr(found.function, "pytestmark", ()):
                mark = marks[0].name
                raise UsageError(
                    f"{defined_at(found)}: {found.name} has pytest's mark {mark}, which no run of it reads; delete it"
                )
            if found.name in checks:
                raise UsageError(f"{defined_at(found)}: the check {found.name} is defined twice; rename one")
            checks[found.name] = found
    return checks


def ask(root: Path, plan: Rubric) -> tuple[dict[str, ModuleType], Live, Mapping[str, tuple[str, ...]]]:
    """The reference's modules, the reference as checks ask it, and what its modules and classes define as functions.

    Where there is no reference: no modules, and its recording. Raises UsageError where there is neither.
    """
    if (root / "reference").is_dir():
        modules = {name: module for section in plan.sections for name, module in trusted(root, section).items()}
        shown = {name for section in plan.sections for name in section.modules}
        return modules, Live(modules), functions_of({name: modules[name] for name in shown})
    recorded = Recorded(root / RECORDED)
    return {}, recorded, {name: tuple(names) for name, names in recorded.manifest["functions"].items()}


def defined_at(check: Check) -> str:
    """File and line of a check."""
    code = unwrap(check.function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def unseen(plan: Rubric, checks: Mapping[str, Check]) -> dict[str, Check]:
    """Stand-ins for the checks that a handout lacks, because it holds only their place and points. They are skipped."""

    def later(hw: Subject, rng: np.random.Generator) -> None:
        raise Skipped("these points are measured after you hand in")

    lines = [(line, item) for item in plan.items for line in item.checks if line.visibility != "visible"]
    absent = {line.name: item.id for line, item in lines if line.name not in checks}
    return {name: Check(name, item, "What is measured after you hand in", later, "") for name, item in absent.items()}


def checks_of(module: ModuleType) -> list[Check]:
    found = (getattr(value, "check", None) for value in vars(module).values() if type(value) is FunctionType)
    return [value for value in found if isinstance(value, Check) and value.function.__module__ == module.__name__]


def open_package(folder: Path) -> str:
    """The package name under which a homework's files are imported.

    It is `grader.homework` for the homework in this project. For another homework it is made of a digest of its path
    and code, so two homeworks, or two versions of one, never share modules in a process. Raises UsageError for a file
    of another homework that imports `grader.homework`.
    """
    if folder.resolve() == OWN:
        importlib.import_module(HOMEWORK)
        return HOMEWORK
    total = hashlib.sha256(str(folder.resolve()).encode())
    for path in code_of(folder):
        content = path.read_bytes()
        if found := ABSOLUTE.search(content):
            line = content.count(b"\n", 0, found.start()) + 1
            raise UsageError(
                f"{path}:{line}: {HOMEWORK} is another homework; import files of this homework with `from .`"
            )
        total.update(f"{path.relative_to(folder).as_posix()} ".encode() + hashlib.sha256(content).digest())
    name = f"homework_{total.hexdigest()[:16]}"
    add_package(name, str(folder.resolve()))
    importlib.invalidate_caches()
    return name


def code_of(folder: Path) -> list[Path]:
    """A homework's own Python files, with sub-folders but without the folders in TREES."""
    found = (path.relative_to(folder) for path in folder.rglob("*.py"))
    return [folder / path for path in sorted(found) if path.parts[0] not in TREES]


def import_file(package: str, path: Path, module: str = "") -> ModuleType:
    """Import a file of a homework. Raises UsageError, with the line, if it cannot be imported."""
    try:
        with redirect_stdout(sys.stderr):
            return importlib.import_module(f"{package}.{module or path.stem}")
    except (UsageError, KeyboardInterrupt):
        raise
    except SyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.msg}; correct this check's file") from None
    except BaseException as error:  # it may leave, or be skipped by pytest
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.resolve()
        ]
        line = f":{frames[-1].lineno}" if frames else ""
        absent = error.name if isinstance(error, ModuleNotFoundError) else None
        beside = absent is not None and path.with_name(f"{absent}.py").is_file()
        cure = f"write `from . import {absent}`" if beside else "correct this check's file"
        raise UsageError(f"{path}{line}: {type(error).__name__}: {error}; {cure}") from error


def later(name: str, package: str) -> ModuleType:
    """A module of a homework, imported when it is first used: most runs grade a task or two, and need no more."""
    full = resolve_name(name, package)
    if full not in sys.modules:
        spec = find_spec(full)
        if spec is None or spec.loader is None:
            raise UsageError(f"{full}: there is no such module; correct the name")
        spec.loader = LazyLoader(spec.loader)
        sys.modules[full] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


def reader(plan: Rubric, package: str, folder: Path, name: str) -> Callable[..., Any]:
    """A function of the homework, as the rubric names it: "folder.module.function". Raises UsageError."""
    module, _, function = name.rpartition(".")
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    found = getattr(import_file(package, path, module), function, None) if module and path.is_file() else None
    if not callable(found):
        raise UsageError(f"{plan.where('function', name)}: the homework has no function {name}; correct the name")
    return found  # type: ignore[no-any-return]


def expect_agreement(plan: Rubric, checks: Mapping[str, Check]) -> None:
    """Raise UsageError unless rubric and checks name the same checks under the same items."""
    planned = {line.name: item.id for item in plan.items for line in item.checks}
    for name, item in planned.items():
        where = plan.where("check", name)
        if name not in checks:
            raise UsageError(
                f"{where}: item {item} names the check {name}, but no file defines it; write it or correct the name"
            )
        if checks[name].item != item:
            raise UsageError(
                f"{where}: {name} is listed under item {item}, but its file says @check({checks[name].item!r}); "
                "correct one of them"
            )
    for name in checks.keys() - planned.keys():
        where = defined_at(checks[name])
        if ("check", name) in plan.lines:  # of an item with `skip`
            continue
        raise UsageError(f"{where}: no item names the check {name}; add it to one in {plan.path.name}, or delete it")


def expect_parts(plan: Rubric, root: Path, folder: Path) -> None:
    """Raise UsageError unless everything that a section names exists.

    Its modules and the functions under `keep` must be in the reference; its drivers and shims, in the homework's
    folder. A module must not have the name of an attribute of `hw`.
    """
    for section in plan.sections:
        if (root / "reference").is_dir():  # nothing can be looked up in a recording
            expect_in_reference(plan, section, root / "reference")
        for shim, path in section.shims.items():
            if not (folder / path).is_file():
                raise UsageError(
                    f"{plan.where('shim', shim)}: the shim {shim} is {path}, but {folder} has no such file; add it"
                )
            if Path(path).parts[0] in TREES:
                raise UsageError(
                    f"{plan.where('shim', shim)}: the shim {shim} is {path}, but a handout holds no file of "
                    f"{Path(path).parts[0]}/; move it beside {plan.path.name}"
                )
        for name in section.drivers:
            driver = folder / "worker" / f"{name}.py"
            if not driver.is_file():
                where = plan.where("driver", name)
                raise UsageError(
                    f"{where}: section {section.id} names the driver {name}, but there is no worker/{name}.py; add it"
                )
            try:
                code = SourceFileLoader(name, str(driver)).get_code(name)  # only compiled; the workers use the bytecode
            except SyntaxError as error:
                raise UsageError(f"{driver}:{error.lineno}: {error.msg}; correct this driver") from None
            if code is not None and "begin" not in code.co_names:
                raise UsageError(f"{driver}: a driver needs a function begin(student, order); write it")


def expect_stand_ins(plan: Rubric, modules: Mapping[str, ModuleType]) -> None:
    """Raise UsageError unless the reference has each function that answers for a student's wrong one."""
    for section in plan.sections if modules else ():  # a recording answers for none
        for name, told in section.stand_ins.items():
            module, _, function = told.partition(".")
            if not callable(getattr(modules.get(module), function, None)):
                where = plan.where("stand-in", name)
                raise UsageError(
                    f"{where}: {told} answers for {name}, but the reference has no {told}; correct the name"
                )


def expect_in_reference(plan: Rubric, section: Section, reference: Path) -> None:
    sources = []
    for kind, modules in (("trusted", section.trusted), ("module", section.modules)):
        for module, path in modules.items():
            where = plan.where(kind, module)
            if kind == "module" and (module in RESERVED or module.startswith("_")):
                raise UsageError(
                    f"{where}: the module {module} needs another name: `hw.{module}` has a meaning of its own"
                )
            if kind == "module" and (top := import_name(reference, path).partition(".")[0]) in TAKEN:
                raise UsageError(
                    f"{where}: the module {module} is {path}, but Python or numpy has a module {top}, which may be "
                    "imported in its place; give the file another name"
                )
            try:
                sources.append((reference / path).read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                raise UsageError(f"{reference / path} is not UTF-8; save it as UTF-8") from None
            except OSError:
                raise UsageError(
                    f"{where}: module {module} is {path}, but there is no {reference / path}; add it"
                ) from None
    for name in section.keep:
        if not any(re.search(rf"\bdef {re.escape(name)}\(", source) for source in sources):
            raise UsageError(
                f"{plan.where('keep', name)}: keep names {name}, but no module of section {section.id} defines it; "
                "correct the name"
            )


def trusted(root: Path, section: Section) -> dict[str, ModuleType]:
    """The reference's modules. Like a student's, they import each other by bare names (`from network import ...`) or,
    in a package, absolutely or relatively, and the section's shims. They own these names only while they are
    imported."""
    reference = root / "reference"
    paths = {**section.modules, **section.trusted}
    names = {name: import_name(reference, path) for name, path in paths.items()}
    folders = [str(home(reference, path)) for path in paths.values()]
    own = {path.stem for folder in folders for path in Path(folder).glob("*.py")}
    own |= {name.partition(".")[0] for name in (*names.values(), *section.shims)}
    try:
        with TemporaryDirectory() as shims, IMPORTING:
            lay_shims(section, Path(shims))
            return imported_as(names, [shims, *folders], own)
    except ModuleNotFoundError as error:
        if error.name in section.needs:
            raise  # the command says how to install it
        raise UsageError(unimported(error, reference)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the reference may raise anything; its author needs the line
        raise UsageError(unimported(error, reference)) from error


def unimported(error: BaseException, reference: Path) -> str:
    """Where and why the reference cannot be imported, and the cure."""
    folder = isinstance(error, ModuleNotFoundError) and (reference / (error.name or "/")).is_dir()
    package = folder or (isinstance(error, ImportError) and "no known parent package" in str(error))
    cure = "a package is a folder with an `__init__.py` that `handout:` lists; make it one" if package else "correct it"
    return f"{broken_line(error, reference)}: the reference cannot be imported; {cure}"


def imported_as(names: Mapping[str, str], folders: Sequence[str], own: Collection[str]) -> dict[str, ModuleType]:
    """Modules by the names that checks use. While they are imported, they own the top-level names in `own`."""
    displaced = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in own}
    sys.path[:0] = dict.fromkeys(folders)
    try:
        with redirect_stdout(sys.stderr):  # what the reference prints is no part of a report
            return {name: importlib.import_module(dotted) for name, dotted in names.items()}
    finally:
        del sys.path[: len(set(folders))]
        for name in [name for name in sys.modules if name.partition(".")[0] in own]:
            del sys.modules[name]
        sys.modules.update(displaced)


def broken_line(error: BaseException, reference: Path) -> str:
    """File, line and kind of an error in the reference."""
    kind, said = type(error).__name__, str(getattr(error, "msg", error))
    kind = f"{kind}: {said}" if said else kind
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {kind}"
    home = reference.resolve()
    frames = [one for one in traceback.extract_tb(error.__traceback__) if Path(one.filename).is_relative_to(home)]
    return f"{frames[-1].filename}:{frames[-1].lineno}: {kind}" if frames else f"{reference}: {kind}"


def functions_of(modules: Mapping[str, ModuleType]) -> dict[str, tuple[str, ...]]:
    """Module -> names of its functions and classes; class -> names of its methods. See Section."""
    found: dict[str, set[str]] = {}
    for name, module in modules.items():
        found[name] = {own for own, value in vars(module).items() if isinstance(value, FunctionType | type)}
        for kind in (value for value in vars(module).values() if isinstance(value, type)):
            methods = {own for own in dir(kind) if isinstance(getattr(kind, own), FunctionType | MethodType)}
            found[kind.__name__] = found.get(kind.__name__, methods) & methods
    return {name: tuple(sorted(names)) for name, names in found.items()}


def digest(*folders: Path, without: Path | None = None) -> str:
    """A shortened SHA-256 of the files in `folders` that can change a result. The rubric has its own digest."""
    total = hashlib.sha256()
    for folder in folders:
        for name in sorted(files_below(folder, without), key=lambda name: name.split("/")):
            if not name.endswith((".md", "/rubric.yaml")) and name != "rubric.yaml":
                with open(f"{folder}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - there are many
                    content = hashlib.sha256(file.read()).hexdigest()
                total.update(f"{name} {content}\n".encode())
    return total.hexdigest()[:16]


def files_below(folder: Path, without: Path | None = None) -> Iterator[str]:
    """Paths of the files below a folder, from there; none of a cache, and none below `without`."""
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and Path(at, name) != without]
        here = os.path.relpath(at, folder).replace(os.sep, "/")
        files = (name for name in names if os.path.isfile(os.path.join(at, name)))  # noqa: PTH113, PTH118 - many
        yield from (name if here == "." else f"{here}/{name}" for name in files)


@lru_cache(maxsize=8)
def digests(homework: Homework) -> tuple[str, str]:
    """Two digests: of the grader with the homework and its reference, and of the fixtures. Cached in each process."""
    if isinstance(homework.answers, Recorded):
        return homework.answers.manifest["grader"], digest(homework.fixtures)
    if homework.package == HOMEWORK:
        return digest(ROOT / "grader", homework.reference), digest(homework.fixtures)
    engine = digest(ROOT / "grader", without=OWN)
    own = digest(homework.folder, homework.reference)
    return hashlib.sha256(f"{engine} {own}".encode()).hexdigest()[:16], digest(homework.fixtures)
