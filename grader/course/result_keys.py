"""What a task's result rests on, as a digest: while it stays the same, the result is reused instead of graded again.

That is the submission, the task's part of the rubric, the code of its checks and all that this code imports, the
reference, the handout, the fixtures, the data, the seed and the versions. Code is followed through its imports, so that
a change in one task's checks changes that task's key alone.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from grader import __version__
from grader.check import HOMEWORK, ROOT
from grader.data import datasets
from grader.model import Homework, Section, Submission, Task

ENGINE = "grader.grading"
WORKER = "grader.sandbox.worker"  # named in strings, so that no import leads there


@dataclass(frozen=True, slots=True)
class Terms:
    """How a whole class is graded, alike for everyone. `only` are ids of tasks and items; none means all of them."""

    seed: int
    only: tuple[str, ...] = ()
    full: bool = False
    unverified: bool = False
    allow_unsafe: bool = False


@dataclass(frozen=True, slots=True)
class Module:
    """A file of ours: its text's digest, the modules it imports, and which of DATA it asks `hw` for."""

    digest: str
    imports: tuple[str, ...]
    reads: frozenset[str]


def of_tasks(homework: Homework, terms: Terms, data_root: Path) -> dict[str, str]:
    """Task -> digest of all that its result rests on besides the submission."""
    shared = [
        asdict(terms) | {"only": None},
        {"python": platform.python_version(), "numpy": np.__version__, "backgrade": __version__},
        {name: digest_of(folder) for name, folder in trees(homework).items()},
        asdict(homework.rubric.limits),
    ]
    found = {}
    whole = {task.id: task for task in homework.rubric.tasks}
    for task in chosen(homework, terms.only):
        code = dict(sorted(closure(homework, sources(homework, task))))
        read = {name: data(name, data_root) for module in code.values() for name in module.reads}
        section = section_of(homework, task)
        part = [asdict(whole[task.id]), [item.id for item in task.items], asdict(section), versions(section)]
        found[task.id] = digest([*shared, part, {name: module.digest for name, module in code.items()}, read])
    return found


def of_result(task_digest: str, section: Section, submission: Submission) -> str:
    """The key of one submission's result in a task: what the task rests on, and the files that its section sees."""
    files = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in submission.files.items()
        if any(fnmatch(name.lower(), wanted.lower()) for wanted in section.submit)
    }
    return digest([task_digest, files, *beside(section, submission)])


def beside(section: Section, submission: Submission) -> list[Any]:
    """What else of a submission its section sees: helper modules, and questions and faults of its files."""
    told = [submission.questions, submission.faults]
    own = {
        name: {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
        for name, files in submission.helpers.items()
    }
    found = [{name: value for name, value in one.items() if name in section.submit} for one in (own, *told)]
    return found if any(found) else []


def chosen(homework: Homework, only: Collection[str]) -> list[Task]:
    """The rubric's tasks, each with the items that are asked for."""
    tasks = []
    for task in homework.rubric.tasks:
        items = tuple(item for item in task.items if not only or item.id in only or task.id in only)
        if items:
            tasks.append(Task(task.id, task.title, task.section, items))
    return tasks


def section_of(homework: Homework, task: Task) -> Section:
    return next(section for section in homework.rubric.sections if section.id == task.section)


def reads(homework: Homework, task: Task) -> set[str]:
    """Which of DATA the checks of the task ask `hw` for."""
    return {name for _, module in closure(homework, sources(homework, task)) for name in module.reads}


def lacks_images(homework: Homework, task: Task, root: Path) -> bool:
    """Whether the task asks for images that are not here, and so gets stand-in data."""
    installed = all(find_spec(name) is not None for name in section_of(homework, task).needs)
    return installed and any(DATA[name](root) is None for name in reads(homework, task) & IMAGES)


def versions(section: Section) -> dict[str, str]:
    """The versions of what a section needs, as far as it is installed."""
    return {name: metadata.version(name) for name in section.needs if find_spec(name) is not None}


def sources(homework: Homework, task: Task) -> set[str]:
    """The modules that the task's checks are written in."""
    names = [plan.name for item in task.items for plan in item.checks]
    return {homework.checks[name].function.__module__ for name in names}


def closure(homework: Homework, roots: Iterable[str]) -> Iterator[tuple[str, Module]]:
    """The engine, the worker, `roots`, and every module of ours that one of them imports, directly or not."""
    worker = [f"{WORKER}.{path.stem}" for path in (ROOT / "grader" / "sandbox" / "worker").glob("*.py")]
    waiting = deque([ENGINE, *worker, *roots])
    seen: set[str] = set()
    while waiting:
        name = waiting.popleft()
        path = place(homework.folder, name)
        if name not in seen and path.is_file():
            seen.add(name)
            module = parsed(path, path.stat().st_mtime_ns)
            yield name, module
            waiting.extend(module.imports)


def changed_since(homework: Homework, moment: float) -> bool:
    """Whether a file of code that any task rests on is younger than `moment`, in seconds since the epoch."""
    roots = {check.function.__module__ for check in homework.checks.values()}
    return any(place(homework.folder, name).stat().st_mtime > moment for name, _ in closure(homework, roots))


def place(folder: Path, name: str) -> Path:
    """Where a module of ours lies; the homework's are in its own folder."""
    if name.startswith(f"{HOMEWORK}."):
        return folder.joinpath(*name.removeprefix(f"{HOMEWORK}.").split(".")).with_suffix(".py")
    return ROOT.joinpath(*name.split(".")).with_suffix(".py")


@lru_cache(maxsize=256)
def parsed(path: Path, changed: int) -> Module:
    text = path.read_bytes()
    names: dict[str, None] = {}
    asks: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= dict.fromkeys([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hw":
            asks |= {node.attr} & DATA.keys()
    own = tuple(name for name in names if name.split(".")[0] == "grader")
    return Module(hashlib.sha256(text).hexdigest(), own, frozenset(asks))


def trees(homework: Homework) -> dict[str, Path]:
    return {"reference": homework.reference, "handout": homework.handout, "fixtures": homework.fixtures}


def digest_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


@lru_cache
def data(name: str, root: Path) -> str:
    """What the images or weights are, without reading them as such: their files' digest, or that there are none."""
    place = DATA[name](root)
    if place is None:
        return "none"
    return digest(digest_of(place)) if place.is_dir() else hashlib.sha256(place.read_bytes()).hexdigest()


DATA: dict[str, Callable[[Path], Path | None]] = {
    "data": datasets.cifar10_folder,
    "fashion": datasets.fashion_mnist_folder,
    "weights": datasets.weights,
}
IMAGES = {"data", "fashion"}  # those of DATA that stand-in data can take the place of


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]
