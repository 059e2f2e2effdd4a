"""How the checks use the reference: which functions each check runs, and with what kinds of values.

Nothing has to be declared. The reference is graded once, with a line at the end of each file that reports calls.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from grader.model import Check, CheckResult, Homework, Submission, Verdict

MARK = "<selftest> "
OUTPUT = 16 << 20  # bytes that the calls of one check may be told in
INSERTED = files("grader.selftest").joinpath("inserted.py").read_text(encoding="utf-8")

Grading = Callable[[Submission], list[CheckResult]]
Callers = dict[str, dict[str, None]]  # a function -> the checks that call it, each once, in their order


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the reference that checks run: its file, its place in it, and who looks at it.

    `name` is "module.function" or "module.Class.method". `own` are the checks of its item, in the rubric's order,
    and `reached` all checks that run it. `given` and `gives` are the kinds of its arguments and of its answer: see
    inserted.py.
    """

    name: str
    file: str
    node: ast.FunctionDef
    item: str
    own: tuple[str, ...]
    reached: tuple[str, ...]
    given: tuple[Any, ...] = ()
    gives: Any = "n"

    @property
    def inside(self) -> str:
        """Its name in its module."""
        return self.name.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Survey:
    """`functions` in the order of the files. `alone` are those that no check runs, which nothing can be said about.
    `raising` are functions with the checks in which they do nothing but raise, as `reached`."""

    functions: tuple[Function, ...]
    alone: tuple[str, ...]
    raising: tuple[Function, ...]
    results: tuple[CheckResult, ...] = field(default=())


def written(files: Mapping[str, bytes], homework: Homework) -> Iterator[tuple[str, str, ast.FunctionDef]]:
    """Each function and method that students write: its full name, its file and its definition."""
    for section in homework.rubric.sections:
        for module, path in section.modules.items():
            name = Path(path).name
            if name in section.submit and name in files:
                for inside, node in definitions(ast.parse(files[name])):
                    yield f"{module}.{inside}", name, node


def definitions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a file and the methods of its classes, by their names in the file."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{one.name}", one) for one in node.body if isinstance(one, ast.FunctionDef))


def telling(reference: Submission, homework: Homework) -> Submission:
    """The reference, with each of its functions telling when it is called."""
    names: dict[str, tuple[str, list[str]]] = {}
    for full, file, _ in written(reference.files, homework):
        module, _, inside = full.partition(".")
        names.setdefault(file, (module, []))[1].append(inside)
    told = dict(reference.files)
    for file, (module, own) in names.items():
        told[file] = appended(told[file], f"_selftest_tell(globals(), {module!r}, {own!r}, {MARK!r})")
    return replace(reference, files=told)


def appended(content: bytes, line: str) -> bytes:
    """A file with inserted.py and a line at its end."""
    return content + b"\n\n" + INSERTED.encode() + b"\n\n" + line.encode() + b"\n"


def survey(homework: Homework, reference: Submission, grade: Grading) -> Survey:
    """Grade the reference once, and read what its functions tell."""
    results = grade(telling(reference, homework))
    calls, raised, kinds = told_by(results)
    tried = {result.name for result in results if result.verdict is not Verdict.SKIPPED}
    functions: list[Function] = []
    alone: list[str] = []
    raising: list[Function] = []
    for full, file, node in written(reference.files, homework):
        reached = [name for name in calls.get(full, ()) if name in tried]
        refused = tuple(name for name in raised.get(full, ()) if name in tried and name not in reached)
        if refused:
            raising.append(Function(full, file, node, homework.checks[refused[0]].item, (), refused))
        about = {name for name, one in homework.checks.items() if one.about == full}
        if about and not about & set(reached):
            continue  # it belongs to an item that is not tried
        item = item_of(full, [homework.checks[name] for name in reached])
        if not item:
            alone += () if refused else (full,)
            continue
        own = tuple(name for name in reached if homework.checks[name].item == item)
        given, gives = kinds[full]
        functions.append(Function(full, file, node, item, own, tuple(reached), tuple(given), gives))
    return Survey(tuple(functions), tuple(alone), tuple(raising), tuple(results))


def told_by(results: Iterable[CheckResult]) -> tuple[Callers, Callers, dict[str, tuple[Any, Any]]]:
    """What the lines that inserted.py prints tell: function -> the checks that it answers; function -> those that it
    raises in; function -> the kinds of its arguments and of its answer."""
    answered: Callers = {}
    raised: Callers = {}
    kinds: dict[str, tuple[Any, Any]] = {}
    for result in results:
        for line in (line for line in result.output.splitlines() if line.startswith(MARK)):
            called, raises, *of = json.loads(line.removeprefix(MARK))
            (raised if raises else answered).setdefault(called, {})[result.name] = None
            if of:
                kinds.setdefault(called, (of[0], of[1]))
    return answered, raised, kinds


def item_of(function: str, reached: list[Check]) -> str:
    """The item that a mistake in a function belongs to, given the checks that run it, in the rubric's order.

    That is the item of a check about the function; else of one about its class, or about another method of the class;
    else the first in the rubric, because items are built on earlier ones.
    """
    owner = function.rpartition(".")[0] if function.count(".") > 1 else ""
    about = [one for one in reached if one.about == function]
    near = [one for one in reached if owner and (one.about == owner or one.about.rpartition(".")[0] == owner)]
    found = about or near or reached
    return found[0].item if found else ""
