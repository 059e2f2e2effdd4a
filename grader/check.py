"""What a homework's author writes against: `@check`, and `Subject`, the `hw` that each check gets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import LazyLoader, find_spec, module_from_spec, resolve_name
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, signature, unwrap
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

from grader.errors import Skipped, StudentError, UsageError
from grader.model import Check, Figure, Homework, Item, Measure, Task
from grader.sandbox.check_line import line
from grader.sandbox.reader import read
from grader.sandbox.remote import Call, Module, Remote, each, operated, place_of
from grader.sandbox.replies import Differences
from grader.sandbox.session import Cost, Session
from grader.sandbox.worker.operate import OPERATORS
from grader.sandbox.worker.wire import Handle

Function = TypeVar("Function", bound=Callable[..., Any])
Made = TypeVar("Made")
STEP = 2.0**-26  # of random numbers


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


def defined_at(check: Check) -> str:
    """File and line of a check."""
    code = unwrap(check.function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


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
