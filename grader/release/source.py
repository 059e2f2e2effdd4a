"""What packages are made of: the grader with the live reference, and what it needs installed."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader import handout
from grader.data import datasets
from grader.errors import UsageError
from grader.grading import EXTRA, distribution
from grader.model import DataPlan, Rubric

PROJECT = ("grade.py", "pyproject.toml", "README.md", "LICENSE")
OTHERS = ("cluster", "dev")  # extras of pyproject.toml that no grading needs
UNUSED = ("student", "right", "wrong")  # folders of a homework that grading does not read
FILES = Path(__file__).parent / "files"
TORCH_CPU = "--extra-index-url https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True, slots=True)
class Source:
    """What to release, and what its platform is told.

    `data_root` is where data sets are on this machine; `seconds` is the time that the platform gives a submission, None
    for its usual time; `image` the name of the container image with the packages; `allow_unsafe` whether to grade where
    student code is not confined. `seeds` is how many sets of questions a handout
    knows, and `progress` is told how many of them are recorded.
    """

    homework: Path
    rubric: Rubric
    project: Path = handout.ROOT
    data_root: Path | None = None
    seconds: int | None = None
    image: str = "backgrade"
    allow_unsafe: bool = False
    seeds: int = 32
    progress: Callable[[int], None] = lambda done: None

    @property
    def own(self) -> bool:
        """Whether it is the homework of this project, which no option has to name."""
        return self.homework.resolve() == handout.OWN

    def options(self, usual: int, *, most: int | None = None) -> list[str]:
        """What the platform's script passes on to `grade.py autograde`."""
        named = [] if self.own else ["--homework", "homework"]
        unsafe = ["--allow-unsafe"] if self.allow_unsafe else []
        seconds = min(self.seconds or usual, most or math.inf)
        return [*named, "--seconds", str(seconds), *unsafe]


def grader(source: Source) -> dict[str, bytes | Path]:
    """The grader, the homework and its live reference, as they lie in this project, and a requirements.txt. Raises
    UsageError if there is no reference, or if the project is not a clone."""
    root = handout.home(source.homework)
    if not (root / "reference").is_dir():
        raise UsageError(f"{root} holds no folder reference, so nothing can be released; run it where the reference is")
    found: dict[str, bytes | Path] = {name: source.project / name for name in PROJECT}
    found |= below(source.project / "grader", "grader")
    if not source.own:
        found = {name: path for name, path in found.items() if not name.startswith("grader/homework/")}
        found |= below(source.homework, "homework", without=UNUSED)
    if root == source.project:
        found |= below(root / "reference", "reference") | below(root / "fixtures", "fixtures")
    return found | {"requirements.txt": requirements(source)}


def data(source: Source) -> dict[str, bytes | Path]:
    """The files of data sets that a platform cannot fetch, as far as they are on this machine: data/..., with a page
    that says what else may lie there."""
    found: dict[str, bytes | Path] = {}
    for plan in unfetched(source.rubric):
        if (path := on_this_machine(plan, source)) is not None:
            inner = datasets.home(plan, Path("data"))
            found[f"{Path('data') if inner.is_absolute() else inner}/{path.name}".replace("\\", "/")] = path
    listed = "".join(f"- {plan.title}: {', '.join(plan.files)}\n" for plan in source.rubric.data.values())
    return found | {"data/README.md": f"Data sets that lie here are used:\n\n{listed}".encode()}


def absent(source: Source) -> Iterator[str]:
    """A sentence on each data set that neither is on this machine nor can be fetched on a platform."""
    for plan in unfetched(source.rubric):
        if on_this_machine(plan, source) is None:
            yield f"{plan.title} is not on this machine, so no package holds it{f'; {plan.hint}' if plan.hint else ''}"


def unfetched(rubric: Rubric) -> Iterator[DataPlan]:
    return (plan for plan in rubric.data.values() if not plan.fetch and not plan.reader)


def on_this_machine(plan: DataPlan, source: Source) -> Path | None:
    """A data set's one file, if it is the official one."""
    path = datasets.find_file(plan, datasets.root(source.data_root))
    return path if path is not None and datasets.is_official(path, plan.files[path.name]) else None


def below(folder: Path, name: str, *, without: tuple[str, ...] = ()) -> dict[str, bytes | Path]:
    """Every file below a folder, by its path under `name`; no caches and nothing hidden."""
    found: dict[str, bytes | Path] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        kept = not any(part.startswith(".") or part == "__pycache__" for part in parts) and path.suffix != ".pyc"
        if path.is_file() and kept and parts[0] not in without:
            found["/".join((name, *parts))] = path
    return found


def requirements(source: Source) -> bytes:
    """What `pip install -r` installs: the project's packages, and what a section needs, of the extras where it is
    there."""
    try:
        project = tomllib.loads((source.project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, tomllib.TOMLDecodeError, KeyError):
        raise UsageError(f"{source.project} holds no pyproject.toml; release from a clone of the project") from None
    needed = {package for section in source.rubric.sections for package in section.needs}
    extras = [
        line
        for name, lines in project["optional-dependencies"].items()
        if name not in OTHERS
        for line in lines
        if package_of(line) in needed
    ]
    index = [TORCH_CPU] if needed & EXTRA else []
    known = {package_of(line).lower() for line in (*project["dependencies"], *extras)}
    others = sorted(name for name in map(distribution, needed) if name.lower() not in known)
    return "".join(f"{line}\n" for line in [*index, *project["dependencies"], *extras, *others]).encode()


def package_of(line: str) -> str:
    return re.split(r"[^\w.-]", line, maxsplit=1)[0]


def script(name: str, /, **words: str) -> bytes:
    """A file of files/, with what stands between two @ in it replaced. Raises UsageError for a word left over."""
    text = (FILES / name).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(f"@{word.upper()}@", value)
    if left := re.search(r"@[A-Z]+@", text):  # actions/checkout@v7 is none
        raise UsageError(f"{name} still holds {left[0]}; its package has to fill it in")
    return text.encode()


def fetched(rubric: Rubric) -> Iterator[str]:
    """The data sets that `grade.py data NAME` fetches."""
    return (plan.name for plan in rubric.data.values() if plan.fetch)
