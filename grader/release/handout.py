"""handout.zip: what a student needs to grade their own work, and nothing that holds a solution.

The grader is the same, without its reference: a recording answers for it. Of a check that is not visible the handout
holds the place and the points.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from grader import handout
from grader.errors import UsageError
from grader.handout import PACKED
from grader.model import Rubric
from grader.reference import RECORDED
from grader.release import recording, trial
from grader.release.archive import Members
from grader.release.source import PROJECT, Source, below

ARCHIVE = "handout.zip"
README = "README.md"
APART = ("release", "selftest", "platform")  # rooms of the engine that only a course needs
COMMANDS = ("autograde", "release", "selftest")  # and commands of theirs
SOLVED = ("reference", "right", "wrong", "student", "fixtures")  # folders of a homework that a handout holds none of
WRONG = "wrong.yaml"
LEAST = 5  # expressions in a statement of a solution, below which it is everybody's
WELCOME = """# {title}

Fill in the stubs in `{student}`. On a fresh machine with Python 3.11 or newer, set up and grade:

```sh
{command}
```

On Windows the programs are in `.venv\\Scripts` instead of `.venv/bin`. After that, in this environment,
`python grade.py{option}` grades it, with `--task ID` one task, and with `--watch` again at each save. `python grade.py
pack` makes the zip to hand in. `python grade.py --help` tells the rest.

The grader asks the questions that your course's grader asks, with other inputs: this copy knows {seeds} sets of them.
"""


def build(source: Source) -> Members:
    """The members by name. Raises UsageError, as where the reference fails a check or the handout holds a solution."""
    found = members(source)
    for sentence in leaks(found, handout.home(source.homework), source.rubric):
        raise UsageError(sentence)
    return found


def members(source: Source) -> dict[str, bytes | Path]:
    """The same, for packages that hold a handout."""
    root, folder = handout.home(source.homework), source.homework
    plan = source.rubric
    name = "grader/homework" if source.own else "homework"
    found: dict[str, bytes | Path] = {one: source.project / one for one in PROJECT if one != README}
    found |= {path: file for path, file in below(source.project / "grader", "grader").items() if is_given(path)}
    found = {path: file for path, file in found.items() if not path.startswith("grader/homework/")}
    found |= shown(below(folder, name, without=SOLVED), plan, name)
    pristine = handout.pristine(root, plan)
    listed = handout.contents(root / "reference", root / "fixtures", plan.handout)
    found |= {f"{place(source)}student/{path}": content for path, content in listed.items()}
    found |= {f"{place(source)}fixtures/{file}": root / "fixtures" / file for file in plan.handout.fixtures.values()}
    seeds = range(1, recording.SEEDS + 1)
    found[f"{place(source)}{PACKED}"] = handout.pack(pristine)
    found[f"{place(source)}{RECORDED}"] = recording.record(folder, tuple(seeds), source.progress)
    return found | {README: welcome(source, plan, len(seeds))}


def place(source: Source) -> str:
    """Where a homework's own folders lie: beside the grader, or in the homework."""
    return "" if handout.home(source.homework) == source.project else "homework/"


def is_given(path: str) -> bool:
    parts = path.split("/")
    if path.endswith(".md"):
        return False
    command = len(parts) == 3 and parts[1] == "command" and parts[2].removesuffix(".py") in COMMANDS
    return not (parts[1] in APART or command)


def welcome(source: Source, plan: Rubric, seeds: int) -> bytes:
    """The page for students."""
    needs = any(section.needs for section in plan.sections)
    option = "" if source.own else " --homework homework"
    command = (
        f"python3 -m venv .venv && .venv/bin/python -m pip install -q -e '.{'[torch]' if needs else ''}' && "
        f".venv/bin/python grade.py{option}"
    )
    return WELCOME.format(
        title=plan.title, command=command, seeds=seeds, option=option, student=f"{place(source)}student/"
    ).encode()


# Checks that are not visible


def shown(files: Mapping[str, bytes | Path], plan: Rubric, name: str) -> dict[str, bytes | Path]:
    """A homework's files without its known mistakes, and without what only its invisible checks need."""
    lines = [line for task in plan.tasks for item in task.items for line in item.checks]
    unseen = [line.name for line in lines if line.visibility != "visible"]
    found = {path: file for path, file in files.items() if path != f"{name}/{WRONG}"}
    if not unseen:
        return found
    aliases = {one: f"later_{number}" for number, one in enumerate(unseen, start=1)}
    code = {path: text(file) for path, file in found.items() if path.endswith(".py")}
    code = without(code, unseen)
    kept = {path: content.encode() for path, content in code.items()}
    kept[f"{name}/rubric.yaml"] = renamed(text(found[f"{name}/rubric.yaml"]), aliases).encode()
    return found | kept


def text(file: bytes | Path) -> str:
    return (file if isinstance(file, bytes) else file.read_bytes()).decode()


def without(code: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Sources without the checks of these names, and without what nothing else uses then."""
    trees = {path: ast.parse(content) for path, content in code.items()}
    gone = {path: {name for node in tree.body for name in defined(node) & set(names)} for path, tree in trees.items()}
    while True:
        abroad = {name for path, tree in trees.items() for node in kept(tree, gone[path]) for name in shared_in(node)}
        more = {path: unused(tree, gone[path], abroad) for path, tree in trees.items()}
        if not any(more.values()):
            return {path: cut(code[path], trees[path], gone[path]) for path in code}
        gone = {path: gone[path] | more[path] for path in code}


def kept(tree: ast.Module, gone: Collection[str]) -> list[ast.stmt]:
    return [node for node in tree.body if not defined(node) & set(gone)]


def unused(tree: ast.Module, gone: Collection[str], abroad: Collection[str]) -> set[str]:
    """What only the definitions in `gone` use, here and in other files."""
    by_gone = {name for node in tree.body if defined(node) & set(gone) for name in names_in(node)}
    used = {name for node in kept(tree, gone) for name in names_in(node) - defined(node)}
    there = {name for node in kept(tree, gone) for name in defined(node)}
    return (there & by_gone) - used - set(abroad)


def shared_in(node: ast.stmt) -> set[str]:
    """Names of other files: what is imported from them, and attributes."""
    found = {one.name for one in ast.walk(node) if isinstance(one, ast.alias)}
    return found | {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def names_in(node: ast.AST) -> set[str]:
    """What a statement may use: names, attributes, and what it imports."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found.add(one.id)
        elif isinstance(one, ast.Attribute):
            found.add(one.attr)
        elif isinstance(one, ast.alias):
            found.add(one.name.rpartition(".")[2])
    return found


def cut(content: str, tree: ast.Module, gone: Collection[str]) -> str:
    """The source without the lines of these definitions, and without imports that nothing uses then."""
    lines: list[str | None] = list(content.split("\n"))
    left: list[ast.stmt] = []
    for node in tree.body:
        if not defined(node) & set(gone):
            left.append(node)
            continue
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        lines[first - 1 : node.end_lineno] = [None] * ((node.end_lineno or first) - first + 1)
    used = {name for node in left if not isinstance(node, ast.Import | ast.ImportFrom) for name in names_in(node)}
    for node in left:
        if isinstance(node, ast.Import | ast.ImportFrom) and getattr(node, "module", "") != "__future__":
            names = {one.asname or one.name.partition(".")[0] for one in node.names}
            if gone and not names & used:
                lines[node.lineno - 1 : node.end_lineno] = [None] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    return "\n".join(line for line in lines if line is not None)


def renamed(content: str, aliases: Mapping[str, str]) -> str:
    """rubric.yaml with other names for these checks, which say nothing of what they ask."""
    for name, alias in aliases.items():
        content = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", alias, content)
    return content


# What has to hold of a handout


def tried(files: Mapping[str, bytes], handed_in: Mapping[str, bytes], place: Path) -> float:
    """The points that the untouched work gets of the handout's own grader, unpacked in `place`."""
    trial.lay_out(place, files)
    for name in [*files]:
        if name.startswith("reference/") or "/reference/" in name:
            raise UsageError(f"the handout holds {name}; the reference belongs to the course alone")
    homework = [] if "grader/homework/rubric.yaml" in files else ["--homework", str(place / "homework")]
    trial.run([sys.executable, place / "grade.py", *homework, "--no-html", "--json", place / "result.json"])
    return trial.score(place / "result.json")


def lost_by_the_solution(place: Path, source: Source) -> float:
    """Visible points that the reference's own files do not get of the handout in `place`, in what trains nothing."""
    names = {name for section in source.rubric.sections for name in section.submit}
    root = handout.home(source.homework) / "reference"
    right = {Path(path).name: root / path for path in source.rubric.handout.files if Path(path).name in names}
    (place / "solved").mkdir()
    for name, path in right.items():
        (place / "solved" / name).write_bytes(path.read_bytes())
    homework = [] if source.own else ["--homework", str(place / "homework")]
    items = [
        item
        for task in source.rubric.tasks
        for item in task.items
        if any(section.id == task.section and section.modules for section in source.rubric.sections)
        and not item.skipped and not (item.data or task.data)
    ]  # fmt: skip
    asked = [word for item in items for word in ("--task", str(item.id))]
    out: list[str | Path] = ["--no-html", "--json", place / "solved.json"]
    trial.run([sys.executable, place / "grade.py", place / "solved", *homework, *asked, *out])
    most = sum(line.points for item in items for line in item.checks if line.visibility == "visible")
    return round(most - trial.score(place / "solved.json"), 6)


def solutions(root: Path, plan: Rubric) -> Iterator[tuple[str, str]]:
    """File of the reference -> each statement of its marked regions, as `normal` writes it."""
    for name in plan.handout.files:
        if name.endswith(".py"):
            content = (root / "reference" / name).read_text(encoding="utf-8")
            inside, marked = False, set[int]()
            for number, line in enumerate(content.split("\n"), start=1):
                inside = (inside or bool(handout.BEGIN.fullmatch(line))) and not handout.END.fullmatch(line)
                marked |= {number} if inside else set()
            for node in ast.walk(ast.parse(content)):
                if isinstance(node, ast.stmt) and node.lineno in marked and tells(node):
                    yield name, normal(node)


def tells(node: ast.stmt) -> bool:
    """Whether a statement says how something is computed; `a, b = f(c)` and `return a, b` are everybody's."""
    computes = any(isinstance(one, ast.operator | ast.unaryop | ast.cmpop) for one in ast.walk(node))
    own = sum(isinstance(one, ast.expr) for one in ast.walk(node))
    return isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Expr) and computes and own >= LEAST


def normal(node: ast.stmt) -> str:
    """A statement as text with its names numbered in the order in which they come."""
    numbers: dict[str, str] = {}
    copied = ast.parse(ast.unparse(node))
    for one in ast.walk(copied):
        if isinstance(one, ast.Name):
            one.id = numbers.setdefault(one.id, f"_{len(numbers)}")
    return ast.dump(copied)


def leaks(files: Mapping[str, bytes | Path], root: Path, plan: Rubric) -> Iterator[str]:
    """A sentence for each statement of the handout that is one of the marked solution."""
    known = {shape: name for name, shape in solutions(root, plan)}
    for path, content in files.items():
        if path.endswith(".py"):
            for node in ast.walk(ast.parse(text(content))):
                if isinstance(node, ast.stmt) and tells(node) and (name := known.get(normal(node))):
                    yield (
                        f"{path}:{node.lineno} is a statement of the solution in {name}: {ast.unparse(node)}; move it "
                        "into a `trusted` module of the reference"
                    )
