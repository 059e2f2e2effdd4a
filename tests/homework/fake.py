"""A fake `hw`: the same manners as a session's, but the student's modules live in this process.

Arguments travel as copies, caches stay behind as Remote objects, and what a student's code raises becomes Raised.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from grader.errors import NotImplementedYet, Raised, StudentError
from grader.loading import load
from grader.model import Measure

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("functions", "layers", "two_layer_net", "train", "answers", "mistakes")
KEPT = ("fc_forward", "relu_forward", "forward")
PLAIN = (type(None), bool, int, float, str, list, tuple, dict, np.ndarray, np.generic)


def modules(folder: Path) -> dict[str, ModuleType]:
    """A fresh copy of the homework's modules below `folder`, which import each other by bare names."""
    paths = [str(folder / name) for name in ("backprop", "neuralnet")]
    own = {path.stem for parent in paths for path in Path(parent).glob("*.py")}
    displaced = {name: sys.modules.pop(name) for name in own & sys.modules.keys()}
    sys.path[:0] = paths
    try:
        return {name: importlib.import_module(name) for name in MODULES}
    finally:
        del sys.path[: len(paths)]
        for name in own:
            sys.modules.pop(name, None)
        sys.modules.update(displaced)


class FakeRemote:
    def __init__(self, hw: FakeSubject, value: Any) -> None:
        self._hw, self._value = hw, value

    def __getattr__(self, name: str) -> FakeFunction:
        return FakeFunction(self._hw, self._value, name)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._value[key] = value

    def _write(self, arrays: Mapping[str, Any]) -> Any:
        try:
            for name, array in arrays.items():
                self._value.parameters()[name][...] = array
        except Exception as error:
            raise Raised(f"parameters raised {type(error).__name__}: {error}") from error
        return FakeFunction(self._hw, self._value, "parameters")()


class FakeFunction:
    def __init__(self, hw: FakeSubject, owner: Any, name: str) -> None:
        self._hw, self._owner, self._name = hw, owner, name

    def __call__(self, *args: Any, **named: Any) -> Any:
        there = [arg._value if isinstance(arg, FakeRemote) else copy.deepcopy(arg) for arg in args]
        before = copy.deepcopy([a if isinstance(a, np.ndarray) else None for a in there])
        try:
            value = getattr(self._owner, self._name)(*there, **named)
        except NotImplementedError:
            raise NotImplementedYet(f"{self._name} is not implemented yet") from None
        except Exception as error:
            raise Raised(f"{self._name} raised {type(error).__name__}: {error}") from error
        pairs = enumerate(zip(before, there, strict=True))
        self._hw.mutated = tuple(i for i, (b, a) in pairs if b is not None and not np.array_equal(a, b, equal_nan=True))
        return self._hw.arriving(value, keep=self._name in KEPT)

    def then(self, method: str, of: FakeRemote | None = None, writing: Mapping[str, Any] | None = None) -> FakeThen:
        return FakeThen(self, method, of, writing)

    def watched(self, batches: Any, inputs: Any) -> list[Any]:
        return self.map(batches)

    def map(self, batches: Any) -> list[Any]:
        return list(self._hw.each([(self, args) for args in batches]))

    def arity(self) -> int | None:
        if not hasattr(self._owner, self._name):
            return None
        parameters = inspect.signature(getattr(self._owner, self._name)).parameters.values()
        return None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(parameters)

    def __getattr__(self, name: str) -> FakeFunction:
        return FakeFunction(self._hw, getattr(self._owner, self._name), name)


class FakeThen:
    """A function, and a method that is called after it."""

    def __init__(
        self, function: FakeFunction, method: str, of: FakeRemote | None, writing: Mapping[str, Any] | None
    ) -> None:
        self.function, self.method, self.of, self.writing = function, method, of, writing

    def __call__(self, *args: Any, **named: Any) -> tuple[Any, Any]:
        value, mutated = self.function(*args, **named), self.function._hw.mutated
        of = value if self.of is None else self.of
        after = None
        if isinstance(of, FakeRemote):
            after = of._write(self.writing) if self.writing is not None else getattr(of, self.method)()
        self.function._hw.mutated = mutated
        return value, after

    def watched(self, batches: Any, inputs: Any) -> list[Any]:
        return [self(*args) for args in batches]


class FakeModule:
    def __init__(self, hw: FakeSubject, module: ModuleType) -> None:
        self._hw, self._module = hw, module

    def __getattr__(self, name: str) -> FakeFunction:
        return FakeFunction(self._hw, self._module, name)


def once(kept: dict[Any, Any], key: Any, make: Callable[[], Any]) -> Any:
    """As `hw.once`, for what stands in for `hw`."""
    if key not in kept:
        kept[key] = make()
    return kept[key]


class FakeSubject:
    """`hw` over `student` modules; `settings` are the item's numbers."""

    def __init__(self, student: dict[str, Any], reference: dict[str, ModuleType], settings: dict[str, float]) -> None:
        self.reference = SimpleNamespace(**reference)
        self.recording = False
        self.seeds = np.random.default_rng(0)
        self.asked: dict[bytes, Any] = {}
        self.kept: dict[str, Any] = {}
        self.fixtures = ROOT / "fixtures"
        self.settings = settings
        self.tolerance = settings["tolerance"]
        self.mutated: tuple[int, ...] = ()
        self.measures: list[Measure] = []
        self.advice: list[str] = []
        self.differences: list[Any] = []
        for name, module in student.items():
            setattr(self, name, FakeModule(self, module))

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        return once(self.kept, key, make)

    def each(self, calls: Sequence[tuple[Any, Any]], inputs: Any = ()) -> Iterator[Any]:
        answers, mutated, failed = [], set[int](), None
        for function, args in calls:
            try:
                answers.append(function(*args))
            except StudentError as error:
                failed = error
                break
            mutated |= set(self.mutated)
        self.mutated = tuple(sorted(mutated))
        yield from answers
        if failed is not None:
            raise failed

    def put(self, value: Any) -> FakeRemote:
        return FakeRemote(self, copy.deepcopy(value))

    def written(self) -> int:
        return 1 << 20

    def policy(self, item: str, name: str) -> str:
        return "advice"

    def ask_once(self, key: bytes, make: Callable[[], Any]) -> Any:
        return once(self.asked, key, make)

    def read_apart(self, function: Callable[..., Any], *args: Any, about: str) -> Any:
        return function(*args)

    def measure(self, measure: Measure) -> None:
        self.measures.append(measure)

    def advise(self, sentence: str) -> None:
        self.advice.append(sentence)

    def arriving(self, value: Any, *, keep: bool = False) -> Any:
        if keep and isinstance(value, tuple) and len(value) > 1:
            return tuple(FakeRemote(self, v) if i == 1 else self.arriving(v) for i, v in enumerate(value))
        return copy.deepcopy(value) if isinstance(value, PLAIN) else FakeRemote(self, value)


def run_all(seed: int) -> None:
    """Every check of Section 1 on the reference, in this process: what grading costs without any isolation."""
    homework = load(ROOT / "grader" / "homework")
    student, trusted = modules(ROOT / "reference"), modules(ROOT / "reference")
    with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
        for task in homework.rubric.tasks:
            for item in task.items if task.section == "numpy" else ():
                for plan in item.checks if "tolerance" in item.settings else ():
                    hw = FakeSubject(student, trusted, dict(item.settings))
                    homework.checks[plan.name].function(hw, np.random.default_rng([seed, *plan.name.encode()]))
