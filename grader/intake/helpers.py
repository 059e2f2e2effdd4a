"""Finds the student's own modules that a handed-in file imports. Imports are read, never run."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import NamedTuple

from grader.intake import repair
from grader.intake.archive import Found
from grader.intake.match import basename, forms, squeezed

MOST, ROOM = 50, 2 << 20  # helper modules of one file, and their bytes together
# Modules that the grader's own code imports in a student's process; a student's file of that name would replace them.
OURS = frozenset("grader numpy torch torchvision PIL".split())
IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import\b|import[ \t]+([\w.]+(?:[ \t]*,[ \t]*[\w.]+)*))", re.MULTILINE
)
RUN = re.compile(r"^[ \t]*%run[ \t]+(?:-\w+[ \t]+)*[\"']?([\w./-]+)\.py\b", re.MULTILINE)

Helpers = dict[str, dict[str, bytes]]  # wanted file -> path beside it -> content


def gather(
    tell: Callable[[str], None],
    files: Mapping[str, bytes],
    origin: Mapping[str, str],
    found: Sequence[Found],
    stubs: Mapping[str, bytes],
    newer: Callable[[str], str],
) -> tuple[Helpers, list[str], dict[str, str]]:
    """Which of the student's other files each of `files` imports; notes for the report; questions."""
    pool = {file.path: file for file in found if file.content is not None and len(file.content) <= repair.LARGEST}
    taken = set(origin.values())
    helpers: Helpers = {}
    notes: dict[str, None] = {}
    questions: dict[str, str] = {}
    for base, content in files.items():
        notebook = base.endswith(".ipynb")
        home = PurePosixPath(origin[base]).parent
        others = {path: one for path, one in pool.items() if notebook or path not in taken}
        look = Look(others, () if notebook else stubs, home, tell, newer)
        tell(origin[base])
        own = look.follow(content)
        if own:
            helpers[base] = own
            notes |= {f"{base} imports {', '.join(look.sources)}; graded with it": None}
        if look.questions:
            questions[base] = look.questions[0]
        notes |= {f"{name}.py was not included: {why}": None for name, why in look.refused.items()}
    return helpers, list(notes), questions


class Given(NamedTuple):
    """What the handout gives: its modules, the paths of those in folders, and the folders that are no packages."""

    modules: frozenset[str]
    paths: tuple[str, ...]
    folders: frozenset[str]


@cache
def given_by(names: tuple[str, ...]) -> Given:
    paths = [PurePosixPath(name) for name in names]
    packages = {path.parent for path in paths if path.name == "__init__.py"}
    above = (folder for path in paths for folder in path.parents if folder not in packages)
    return Given(
        modules=frozenset(path.stem for path in paths),
        paths=tuple(f"/{path}" for path in paths if path.parent.name),
        folders=frozenset(folder.name or "student" for folder in above),  # "student" holds all that is handed out
    )


class Look:
    """Follows the imports of one file, which lies in the folder `home`, through the student's other files. The modules
    in `given`, by name or path, stay the handout's. Its folders, but not its packages, may stand before any module's
    name (see sandbox/worker/own_modules.py)."""

    def __init__(
        self,
        pool: Mapping[str, Found],
        given: Iterable[str],
        home: PurePosixPath,
        tell: Callable[[str], None],
        newer: Callable[[str], str],
    ) -> None:
        self.pool = pool
        self.home = home
        self.tell = tell
        self.newer = newer
        self.scripts = {path: squeezed(base) for path in pool if ".py" in (base := basename(path)).lower()}
        self.given = given_by(tuple(given))
        self.own: dict[str, bytes] = {}
        self.sources: list[str] = []
        self.refused: dict[str, str] = {}
        self.questions: list[str] = []

    def follow(self, content: bytes) -> dict[str, bytes]:
        """All modules that `content` imports, directly or not: path beside the importing file -> content."""
        waiting = deque((name, self.home, "") for name in imported(content))
        seen: set[tuple[str, str]] = set()
        while waiting:
            name, at, package = waiting.popleft()
            if (name, package) in seen:
                continue
            seen.add((name, package))
            for path, source in self.resolve(name, at, package):
                if path in self.own or not self.room(path, source):
                    continue
                self.tell(source.path)
                repaired = repair.script(source.content or b"", PurePosixPath(path).name, source.path, self.newer)
                if repaired.question:
                    self.questions.append(repaired.question)
                self.own[path] = text = repaired.content
                self.sources.append(source.path)
                inside = PurePosixPath(path).parent.as_posix().replace("/", ".").strip(".")
                above = PurePosixPath(source.path).parent
                waiting += [(inner, above, inside) for inner in imported(text)]
        return self.own

    def room(self, path: str, source: Found) -> bool:
        """Whether one more may be included; a refusal goes to `refused`."""
        size = sum(map(len, self.own.values())) + len(source.content or b"")
        if len(self.own) < MOST and size <= ROOM:
            return True
        self.refused[PurePosixPath(path).stem] = f"at most {MOST} files and {ROOM >> 20} MiB are allowed"
        return False

    def resolve(self, name: str, folder: PurePosixPath, package: str) -> Iterator[tuple[str, Found]]:
        """Yield (path to write it to, file) for a module, for its packages, and for names in it that may be modules."""
        dots = len(name) - len(name.lstrip("."))
        words = name.lstrip(".").split(".")
        if dots:
            above = package.split(".")[: len(package.split(".")) - dots + 1] if package else []
            words = [word for word in (*above, *words) if word]
        while words and words[0] in self.given.folders:
            words = words[1:]
        if not words or not words[0] or words[0] in self.given.modules:
            return
        if reason := taboo(words[0]):
            if self.found(words[:1], folder):
                self.refused[words[0]] = reason
            return
        for length in range(1, len(words) + 1):
            yield from self.found(words[:length], folder)

    def found(self, words: Sequence[str], folder: PurePosixPath) -> list[tuple[str, Found]]:
        """The file of a module: beside the importing file, else in a folder above, else the only one of that name. A
        copy that a system has renamed counts as well, and a notebook where there is no other. What of a package lies in
        the importing file's own folder is written there. Several that differ are a question."""
        several: list[str] = []
        for tail in (f"{'/'.join(words)}.py", f"{'/'.join(words)}/__init__.py", f"{'/'.join(words)}.ipynb"):
            if any(path.endswith(f"/{tail}") for path in self.given.paths):
                continue
            for root in (folder, *folder.parents):
                path = root / tail
                if path.as_posix() in self.pool:
                    beside = path.relative_to(self.home) if path.is_relative_to(self.home) else PurePosixPath(tail)
                    return [(beside.with_suffix(".py").as_posix(), self.pool[path.as_posix()])]
            ends = [path for path in self.pool if path.endswith(f"/{tail}") or path == tail]
            if len({self.pool[path].content for path in ends}) == 1:
                return [(PurePosixPath(tail).with_suffix(".py").as_posix(), self.pool[ends[0]])]
            several = several or ends
        if len(words) == 1 and not several:
            stem = squeezed(words[0])
            named = (path for path, name in self.scripts.items() if stem in name)
            several = [path for path in named if words[0].casefold() in forms(basename(path))]
            if len({self.pool[path].content for path in several}) == 1:
                return [(f"{words[0]}.py", self.pool[several[0]])]
        if several:
            told = f"{len(several)} different files may be {words[-1]}.py: {', '.join(sorted(several)[:6])}"
            self.questions.append(f"{told}; leave the one that counts")
        return []


def taboo(module: str) -> str:
    """Why a module of that name cannot be the student's, or ""."""
    if module in OURS:
        return f"{module} is a package that everyone uses"
    if module in sys.stdlib_module_names:
        return "Python has a module of this name"
    return ""


def imports(name: str) -> bool:
    """Whether a file of that name may import modules."""
    return name.endswith((".py", ".ipynb"))


def imported(content: bytes) -> list[str]:
    """The modules that a script or a notebook imports: "my_utils", "pack.part", ".relative"."""
    texts = repair.cells(content) if repair.is_notebook(content) else [repair.decoded(content)[0]]
    names: dict[str, None] = {}
    for text in texts:
        names |= dict.fromkeys(found[1].replace("/", ".").strip(".") for found in RUN.finditer(text))
        names |= dict.fromkeys(named(text))
    return list(names)


def named(text: str) -> Iterator[str]:
    try:
        if len(text) > repair.LARGEST:
            raise ValueError("a tree takes some hundred times its text")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = statements(text) or ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        for found in IMPORT.finditer(text):
            yield from ([found[1]] if found[1] else re.split(r"[ \t]*,[ \t]*", found[2]))
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = f"{'.' * node.level}{node.module or ''}"
            yield start
            yield from (f"{start}{'' if start.endswith('.') else '.'}{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__", "exec") and isinstance(told := node.args[0].value, str):
                yield from named(told) if called == "exec" else [told]


def statements(text: str) -> ast.Module | None:
    """The import statements of a text, if every line with the word "import" is one whole import statement; else None.
    Parsing these lines alone is fast; parsing a whole file takes a millisecond."""
    body: list[ast.stmt] = []
    for line in text.splitlines():
        if "import" in line:
            try:
                body += ast.parse(line.strip()).body
            except SyntaxError:
                return None
    return ast.Module(body, []) if all(isinstance(node, ast.Import | ast.ImportFrom) for node in body) else None


def spread(told: Mapping[str, str], files: Mapping[str, bytes]) -> dict[str, str]:
    """`told` has a sentence per file; add one for every file that imports such a file, directly or not."""
    all_told = dict(told)
    waiting = list(told)
    while waiting:
        below = waiting.pop()
        module = PurePosixPath(below).stem
        for base, content in files.items():
            both = base not in all_told and base.endswith(".py") and below.endswith(".py")
            if both and any(module in name.split(".") for name in imported(content)):
                all_told[base] = f"{base} imports {below}: {all_told[below]}"
                waiting.append(base)
    return all_told


def flat(helpers: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    """All helpers under distinct names, for a digest."""
    return {f"{base}/{path}": content for base, own in helpers.items() for path, content in own.items()}
