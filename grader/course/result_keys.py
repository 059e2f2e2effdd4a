"""Keys of results: digests of everything that a task's result depends on. A result is reused while its key is the same.

A key covers the submission, the task's part of the rubric, the code of its checks with its imports, the reference, the
handout, the fixtures, the data, the seed and the versions. Imports are followed, so a change in one task's checks
changes only that task's key.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from grader import __version__
from grader.data import datasets
from grader.loading import ROOT, TREES, code_of
from grader.model import Homework, Section, Submission, Task

ENGINE = "grader.grading"
WORKER = "grader.sandbox.worker"  # started by name, so following imports does not find it


@dataclass(frozen=True, slots=True)
class Terms:
    """Grading options that are the same for the whole class. `only` lists ids of tasks and items; empty means all."""

    seed: int
    only: tuple[str, ...] = ()
    full: bool = False
    unverified: bool = False
    allow_unsafe: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A file of the grader or homework: its digest, and the names that it imports, some of which are not modules."""

    digest: str
    imports: tuple[str, ...]


def of_tasks(homework: Homework, terms: Terms, data_root: Path) -> dict[str, str]:
    """Task -> digest of everything that its result depends on, except the submission."""
    shared = [
        asdict(terms) | {"only": None},
        {"python": platform.python_version(), "numpy": np.__version__, "backgrade": __version__},
        {name: digest_of(folder) for name, folder in trees(homework).items()},
        {path: hashlib.sha256(content).hexdigest() for path, content in homework.handout.items()},
        asdict(homework.rubric.limits),
        {path.relative_to(homework.folder).as_posix(): sum_of(path) for path in texts(homework.folder)},
    ]
    found = {}
    whole = {task.id: task for task in homework.rubric.tasks}
    for task in tasks_of(homework, terms.only):
        below = [whole[name] for name in sorted(tasks_below(homework, task))]
        roots = {name for one in (task, *below) for name in sources(homework, one)}
        modules = dict(sorted(closure(homework, roots)))
        code = {name.removeprefix(f"{homework.package}."): module.digest for name, module in modules.items()}
        plans = [homework.rubric.data[name] for name in sorted(reads(task))]
        read = [[asdict(plan), datasets.digest_of(plan, data_root)] for plan in plans]
        section = section_of(homework, task)
        seen = asdict(replace(section, package=("", "")))
        part = [asdict(whole[task.id]), *map(asdict, below), [item.id for item in task.items], seen, versions(section)]
        found[task.id] = digest([*shared, part, code, read])
    return found


def of_result(task_digest: str, section: Section, submission: Submission) -> str:
    """The key of a submission's result in a task: the task's digest, and the files that its section uses."""
    files = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in submission.files.items()
        if any(fnmatch(name.lower(), wanted.lower()) for wanted in section.submit)
    }
    return digest([task_digest, files, *beside(section, submission)])


def beside(section: Section, submission: Submission) -> list[Any]:
    """The other parts of a submission that its section uses: helper modules, and questions and faults of its files."""
    told = [submission.questions, submission.faults]
    own = {
        name: {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        for name, files in submission.helpers.items()
    }
    found = [{name: value for name, value in one.items() if name in section.submit} for one in (own, *told)]
    return found if any(found) else []


def tasks_of(homework: Homework, only: Collection[str]) -> list[Task]:
    """The rubric's tasks, limited to the tasks and items in `only`."""
    tasks = []
    for task in homework.rubric.tasks:
        items = tuple(item for item in task.items if not only or item.id in only or task.id in only)
        if items:
            tasks.append(replace(task, items=items))
    return tasks


def section_of(homework: Homework, task: Task) -> Section:
    return next(section for section in homework.rubric.sections if section.id == task.section)


def reads(task: Task) -> set[str]:
    """The data sets that the checks of a task may read."""
    return {*task.data, *(name for item in task.items for name in item.data)}


def lacks_data(homework: Homework, task: Task, root: Path) -> bool:
    """Whether the task would use stand-in data, because a data set is missing."""
    installed = all(find_spec(name) is not None for name in section_of(homework, task).needs)
    plans = [homework.rubric.data[name] for name in reads(task)]
    return installed and any(plan.stand_in and datasets.find(plan, root) is None for plan in plans)


def versions(section: Section) -> dict[str, str]:
    """Versions of the packages that a section needs, if they are installed."""
    return {name: metadata.version(name) for name in section.needs if find_spec(name) is not None}


def tasks_below(homework: Homework, task: Task) -> set[str]:
    """The other tasks on whose items a task is built: where they fail, it is graded again (see follow_through.py)."""
    of_item = {item.id: one for one in homework.rubric.tasks for item in one.items}
    found: set[str] = set()
    open_ = [task]
    while open_:
        for below in (of_item[name] for item in open_.pop().items for name in item.built_on):
            if below.id != task.id and below.id not in found:
                found.add(below.id)
                open_.append(below)
    return found


def sources(homework: Homework, task: Task) -> set[str]:
    """The modules of a homework that a task uses directly: its checks, its drivers, and the readers of its data."""
    names = [plan.name for item in task.items for plan in item.checks]
    plans = [homework.rubric.data[name] for name in reads(task)]
    functions = [homework.readers[name] for plan in plans for name in (plan.reader, plan.stand_in) if name]
    functions += [homework.checks[name].function for name in names]
    drivers = {f"{homework.package}.worker.{name}" for name in section_of(homework, task).drivers}
    return drivers | {function.__module__ for function in functions}


def closure(homework: Homework, roots: Iterable[str]) -> Iterator[tuple[str, Module]]:
    """The engine, the worker, `roots`, and all modules of the project that they import, directly or indirectly."""
    worker = [f"{WORKER}.{path.stem}" for path in (ROOT / "grader" / "sandbox" / "worker").glob("*.py")]
    waiting = deque([ENGINE, *worker, *roots])
    seen: set[str] = set()
    while waiting:
        name = waiting.popleft()
        path = file_of(homework, name)
        if name not in seen and path.is_file():
            seen.add(name)
            module = parsed(path, name, path.stat().st_mtime_ns)
            yield name, module
            waiting.extend(module.imports)


def changed_since(homework: Homework, moment: float) -> bool:
    """Whether code that a task depends on changed after `moment`, in seconds since the epoch."""
    roots = {name for task in homework.rubric.tasks for name in sources(homework, task)}
    return any(file_of(homework, name).stat().st_mtime > moment for name, _ in closure(homework, roots))


def file_of(homework: Homework, name: str) -> Path:
    """The path of a module of the grader or the homework. For a package, it is its `__init__.py`."""
    folder, parts = ROOT, name.split(".")
    if name.startswith(f"{homework.package}."):
        folder, parts = homework.folder, name.removeprefix(f"{homework.package}.").split(".")
    path = folder.joinpath(*parts)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@lru_cache(maxsize=256)
def parsed(path: Path, name: str, changed: int) -> Module:
    text = path.read_bytes()
    names: dict[str, None] = {}
    within = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = within[: len(within) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names |= dict.fromkeys([module, *(f"{module}.{alias.name}" for alias in node.names)])
    own = tuple(found for found in names if found.split(".")[0] in ("grader", name.split(".")[0]))
    return Module(hashlib.sha256(text).hexdigest(), own)


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements of a module, at any depth. An import is one, so that no expression has to be looked into."""
    for block in (getattr(node, name, ()) for name in ("body", "orelse", "finalbody", "handlers", "cases")):
        for inner in block if isinstance(block, list) else ():
            if isinstance(inner, ast.stmt):
                yield inner
            yield from statements(inner)


def trees(homework: Homework) -> dict[str, Path]:
    return {"reference": homework.reference, "fixtures": homework.fixtures}


def texts(folder: Path) -> list[Path]:
    """Data files that a homework's code may read: all its files except code, the rubric and Markdown."""
    code = {*code_of(folder), folder / "rubric.yaml"}
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in (".md", ".pyc")]
    return [path for path in found if path not in code and path.relative_to(folder).parts[0] not in TREES]


def digest_of(folder: Path) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): sum_of(path) for path in found}


def sum_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
