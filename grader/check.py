"""@check, the collection of a homework's checks, and `hw`: what a check is given."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, TypeVar

from grader import rubric
from grader.errors import UsageError
from grader.homework.recorded import recorded as read_recorded
from grader.model import Check, Figure, Homework, Item, Measure, Rubric, Section
from grader.sandbox.remote import Module
from grader.sandbox.session import Session

Function = TypeVar("Function", bound=Callable[..., Any])
ROOT = Path(__file__).resolve().parent.parent
HOMEWORK = "grader.homework"


def check(item: str, about: str = "") -> Callable[[Function], Function]:
    """Make a function `(hw, rng)` a check of one item of the rubric; its docstring's first line is its title.

    `about` names the student's function that it asks, so that a wrong answer can be told with its line.
    """

    def mark(function: Function) -> Function:
        title = (function.__doc__ or "").strip().partition("\n")[0]
        if not title:
            raise UsageError(f"check {function.__name__} has no docstring; its first line is what the student reads")
        function.check = Check(function.__name__, item, title, function, about)  # type: ignore[attr-defined]
        return function

    return mark


class Numbers(dict[str, float]):
    """An item's numbers by name. Raises UsageError for one that a check asks for and the rubric does not have."""

    def __init__(self, homework: Homework, item: Item) -> None:
        super().__init__(item.settings)
        self.path, self.item = homework.folder / "rubric.yaml", item

    def __missing__(self, name: str) -> float:
        raise UsageError(
            f"{rubric.line_of(self.path, self.item.id)}: item {self.item.id} has no {name}, which a check of it asks "
            f"for; add `{name}:`"
        )


@dataclass(frozen=True)
class Options:
    """What a run of the grader was asked for, besides the homework; every check is given it.

    `data` reads CIFAR-10 and `fashion` Fashion-MNIST, once they are needed; `weights` finds SqueezeNet's. `full`
    trains to the end where a bar is cleared earlier. `kept` is what one check leaves for a later one of the same
    submission.
    """

    data: Callable[[], Any]
    full: bool = False
    on_progress: Callable[[str], None] = lambda text: None
    kept: dict[str, Any] = field(default_factory=dict)
    fashion: Callable[[], Any] = lambda: None
    weights: Callable[[], Path | None] = lambda: None


class Subject:
    """`hw`: the student's modules by name, the reference's beside them, and the numbers of the item being graded."""

    def __init__(self, session: Session, homework: Homework, item: Item, options: Options) -> None:
        self.session = session
        self.homework = homework
        self.reference = SimpleNamespace(**homework.modules)
        self.known = homework.known
        self.item = item
        self.settings = Numbers(homework, item)
        self.fixtures = homework.fixtures
        self.full = options.full
        self.kept = options.kept
        self.progress = options.on_progress
        self.options = options
        self.measures: list[Measure] = []
        self.advice: list[str] = []
        self.figures: list[Figure] = []
        self.questions: list[str] = []

    def __getattr__(self, name: str) -> Module:
        if name.startswith("_") or name not in self.session.section.modules:
            raise AttributeError(f"section {self.session.section.id} has no module {name}")
        return Module(self.session, name)

    @property
    def tolerance(self) -> float:
        """The item's stated bar for an absolute error."""
        return self.settings["tolerance"]

    @property
    def mutated(self) -> tuple[int, ...]:
        """Positions of the array arguments that the last call changed in place."""
        return self.session.mutated

    @property
    def data(self) -> Any:
        """CIFAR-10, or what stands in for it; read on first use."""
        return self.options.data()

    @property
    def fashion(self) -> Any:
        """Fashion-MNIST, or what stands in for it; read on first use."""
        return self.options.fashion()

    @property
    def weights(self) -> Path | None:
        """The file of SqueezeNet's pretrained weights; None where it is not."""
        return self.options.weights()

    def source(self, name: str) -> bytes:
        """A submitted file as it was handed in; the handout's where it was not."""
        self.session.require(name)
        return self.session.submission.files.get(name) or self.handed_out(name)

    def handed_out(self, name: str) -> bytes:
        """A file of the pristine handout, by base name."""
        paths = {Path(path).name: path for path in self.session.section.modules.values()}
        return (self.homework.handout / paths[name]).read_bytes()

    def settings_of(self, item: str) -> Mapping[str, float]:
        """The numbers of another item of the same task; a task's result rests on no other task's."""
        task = next(task for task in self.homework.rubric.tasks if self.item in task.items)
        return Numbers(self.homework, next(one for one in task.items if one.id == item))

    @cached_property
    def recorded(self) -> Mapping[str, Any]:
        """`backprop-data.pkl`: the recorded, public inputs and outputs."""
        return recorded(self.fixtures / "backprop-data.pkl")

    def measure(self, measure: Measure) -> None:
        """Keep a number and its bar for the report, whether it passes or not."""
        self.measures.append(measure)

    def advise(self, sentence: str) -> None:
        """Say something that costs no points."""
        if sentence not in self.advice:
            self.advice.append(sentence)

    def draw(self, figure: Figure) -> None:
        """Show a picture beside this check, whether it passes or not."""
        self.figures.append(figure)

    def review(self, sentence: str) -> None:
        """Leave to a person what only a person can judge; the points given meanwhile are the check's."""
        self.questions.append(sentence)


def load(folder: Path, *, root: Path | None = None) -> Homework:
    """A homework's folder: rubric.yaml and its task files. Raises UsageError where the two name different checks.

    `root` holds its reference/, student/ and fixtures/: the folder itself where they lie in it, else this project.
    """
    plan = rubric.load(folder / "rubric.yaml")
    root = root or (folder if (folder / "reference").is_dir() else ROOT)
    checks: dict[str, Check] = {}
    for module in imported(folder):
        for found in checks_of(module):
            if found.name in checks:
                raise UsageError(f"{Path(str(module.__file__)).name}: the check {found.name} is defined twice")
            checks[found.name] = found
    agree(plan, checks, folder)
    there(plan, root, folder)
    return Homework(
        folder=folder,
        rubric=plan,
        checks=checks,
        handout=root / "student",
        reference=root / "reference",
        fixtures=root / "fixtures",
        modules={name: module for section in plan.sections for name, module in trusted(root, section).items()},
    )


@lru_cache
def recorded(path: Path) -> Mapping[str, Any]:
    """Read once a process, however many checks and submissions ask."""
    return read_recorded(path)


def checks_of(module: ModuleType) -> list[Check]:
    found = (getattr(value, "check", None) for value in vars(module).values())
    return [value for value in found if isinstance(value, Check) and value.function.__module__ == module.__name__]


def imported(folder: Path) -> list[ModuleType]:
    """The modules in a homework's folder. Whatever it lies in, they are `grader.homework.NAME` to each other.

    Those of the own homework are imported as any other, once, so that all hold one class; those of another folder take
    their place, and are read anew each time.
    """
    package = importlib.import_module(HOMEWORK)
    own = ROOT / "grader" / "homework"
    for name, module in list(sys.modules.items()):
        home = Path(str(module.__file__)).parent if name.startswith(f"{HOMEWORK}.") else None
        if home is not None and not (folder.resolve() == own and home.resolve().is_relative_to(own)):
            del sys.modules[name]
            vars(package).pop(name.removeprefix(f"{HOMEWORK}."), None)
    package.__path__ = [str(folder)]
    importlib.invalidate_caches()
    try:
        return [import_file(path) for path in sorted(folder.glob("*.py")) if path.name != "__init__.py"]
    finally:
        package.__path__ = [str(own)]


def import_file(path: Path) -> ModuleType:
    """Raises UsageError for a file that cannot be imported: whoever writes a homework is told where."""
    try:
        return importlib.import_module(f"{HOMEWORK}.{path.stem}")
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"{error.filename}:{error.lineno}: {error.msg}; correct this check's file") from None
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
        line = f":{frames[-1].lineno}" if frames else ""
        raise UsageError(f"{path}{line}: {type(error).__name__}: {error}; correct this check's file") from error


def agree(plan: Rubric, checks: Mapping[str, Check], folder: Path) -> None:
    """Rubric and checks must name the same checks under the same items."""
    path = folder / "rubric.yaml"
    planned = {line.name: item.id for task in plan.tasks for item in task.items for line in item.checks}
    for name, item in planned.items():
        where = rubric.line_of(path, name)
        if name not in checks:
            raise UsageError(f"{where}: item {item} names the check {name}, which no file here defines")
        if checks[name].item != item:
            raise UsageError(f"{where}: {name} stands under item {item}, but says @check({checks[name].item!r})")
    for name in checks.keys() - planned.keys():
        raise UsageError(f"{path}: no item names the check {name}; add it, or delete the check")


def there(plan: Rubric, root: Path, folder: Path) -> None:
    """What a section names has to be in the reference: its modules, and the functions whose results are kept."""
    path = folder / "rubric.yaml"
    for section in plan.sections:
        sources = []
        for module, place in section.modules.items():
            try:
                sources.append((root / "reference" / place).read_text(encoding="utf-8"))
            except OSError:
                raise UsageError(
                    f"{rubric.line_of(path, place)}: module {module} is {place}, which the reference does not hold"
                ) from None
        for name in section.keep:
            if not any(re.search(rf"\bdef {re.escape(name)}\(", source) for source in sources):
                where = rubric.line_of(path, name)
                raise UsageError(f"{where}: keep names {name}, which no module of section {section.id} defines")


def trusted(root: Path, section: Section) -> dict[str, ModuleType]:
    """The reference's modules. They import each other by bare names (`from layers import ...`), as a student's do, so
    those names are theirs only while they are being imported."""
    folders = [str(root / "reference" / parent) for parent in {Path(path).parent for path in section.modules.values()}]
    own = {path.stem for folder in folders for path in Path(folder).glob("*.py")}
    displaced = {name: sys.modules.pop(name) for name in own & sys.modules.keys()}
    sys.path[:0] = folders
    try:
        return {name: importlib.import_module(Path(path).stem) for name, path in section.modules.items()}
    finally:
        del sys.path[: len(folders)]
        for name in own:
            sys.modules.pop(name, None)
        sys.modules.update(displaced)


def digest(*folders: Path) -> str:
    """SHA-256, shortened, of every file below that a result rests on, without the rubric, which has one of its own."""
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            told_apart = path.name == "rubric.yaml" or path.suffix == ".md"
            if path.is_file() and not told_apart and "__pycache__" not in path.parts:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()[:16]
