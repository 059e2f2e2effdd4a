"""Who may import whom, as the table in grader/README.md says; what lies where, as its list of rooms says; how long a
sentence is."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from grader.measure.diagnose import MOST_WORDS

GRADER = Path(__file__).parents[1] / "grader"
PAGE = (GRADER / "README.md").read_text(encoding="utf-8")
NESTED = {"sandbox/worker", "homework/worker"}  # rooms inside a room
RIGHT = GRADER / "homework" / "right"  # students' ways to write the reference, no code of ours
FILES = [path for path in sorted(GRADER.rglob("*.py")) if path.name != "__init__.py" and RIGHT not in path.parents]


TOP = set(
    ".ci .gitignore .pre-commit-config.yaml .readme CHANGELOG.md CONTRIBUTING.md Justfile LICENSE README.md fixtures "
    "grade.py grader pyproject.toml reference student tests".split()
)


def table() -> dict[str, set[str]]:
    """Room -> the rooms it may import, out of the page's table."""
    rows = re.findall(r"^\| `([\w/]+)` \| [^|]+ \| ([^|]*?) ?\|$", PAGE, re.MULTILINE)
    return {room: set(re.findall(r"`([\w/]+)`", allowed)) for room, allowed in rows}


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a module, given the parts of its name below `grader`."""
    return "/".join(parts[:2]) if "/".join(parts[:2]) in NESTED else parts[0]


def imported(path: Path) -> set[str]:
    """What a file imports, inside functions too, by its whole name: "grader.sandbox.remote.Remote"."""
    names: set[str] = set()
    within = path.relative_to(GRADER.parent).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = within[: len(within) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            own = module.startswith("grader.homework")
            assert bool(node.level) == own, f"{path}: files of a homework, and they alone, import each other relatively"
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def imported_rooms(path: Path) -> set[str]:
    rooms = {room_of(tuple(name.split(".")[1:])) for name in imported(path) if name.startswith("grader.")}
    return rooms - {"__version__"}


def imported_files(path: Path) -> set[Path]:
    names = imported(path)
    modules = names | {name.rpartition(".")[0] for name in names}
    return {GRADER.parent / f"{name.replace('.', '/')}.py" for name in modules} & set(FILES)


def test_nothing_is_kept_that_a_trial_run_left():
    kept = subprocess.run(["git", "ls-files", "-z"], cwd=GRADER.parent, capture_output=True, text=True)
    assert {name.partition("/")[0] for name in kept.stdout.split("\0") if name} <= TOP


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(GRADER).as_posix())
def test_a_room_imports_what_the_table_allows(path):
    allowed = table()
    own = room_of(path.relative_to(GRADER).with_suffix("").parts)
    assert own in allowed, f"{own} is missing in the table of grader/README.md"
    others = imported_rooms(path) - {own}
    assert others <= allowed[own], f"{own} may not import {sorted(others - allowed[own])}"


def test_the_table_allows_no_cycle_and_nothing_that_nobody_uses():
    allowed = table()
    used: dict[str, set[str]] = {room: set() for room in allowed}
    for path in FILES:
        own = room_of(path.relative_to(GRADER).with_suffix("").parts)
        used[own] |= imported_rooms(path) - {own}
    assert used == allowed
    order: list[str] = []
    while len(order) < len(allowed):
        ready = [room for room in allowed if room not in order and allowed[room] <= set(order)]
        assert ready, f"these rooms import each other in a circle: {sorted(set(allowed) - set(order))}"
        order += ready


def test_no_files_import_each_other_in_a_circle():
    imports = {path: imported_files(path) for path in FILES}
    assert GRADER / "sandbox" / "asking.py" in imports[GRADER / "sandbox" / "remote.py"]
    while ready := [path for path, needed in imports.items() if not needed & imports.keys()]:
        imports = {path: needed for path, needed in imports.items() if path not in ready}
    assert not imports, sorted(path.relative_to(GRADER).as_posix() for path in imports)


def test_a_task_reads_no_other_tasks_files():
    """A result rests on all that its task's file imports, so what two tasks share is in neither's file."""
    tasks = sorted((GRADER / "homework").glob("task*.py"))
    assert tasks
    for path in tasks:
        names = {alias.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.ImportFrom) for alias in node.names}  # fmt: skip
        assert not names & {task.stem for task in tasks}, path


def test_every_module_is_in_the_plan():
    """Each room's files are named in its paragraph, and no file is named that is not there."""
    rooms = PAGE[PAGE.index("## The rooms") : PAGE.index("## Who may import whom")]
    named = set(re.findall(r"`([\w/]+\.py)`", rooms))
    there = {path.relative_to(GRADER).as_posix() for path in FILES}
    assert named == there


def test_what_to_touch_is_there():
    """Each path of the table is a file or folder, and what stands in capitals before a file is a name of it."""
    rows = PAGE[PAGE.index("## What to touch") : PAGE.index("Each new module is named")]
    paths = re.findall(r"`([a-z/_]+(?:\.py|\.yaml|/))`", rows)
    assert len(paths) > 20
    assert [path for path in paths if not (GRADER / path).exists() and path != "reference/"] == []
    for names, path in re.findall(r"((?:`[A-Z]\w+`(?: and )?)+) in `([\w/]+\.py)`", rows):
        for name in re.findall(r"\w\w\w\w+", names):
            assert re.search(rf"^(class )?{name}\b", (GRADER / path).read_text(encoding="utf-8"), re.MULTILINE), name


# What belongs to one homework: its data, its forms of work, the names of its files and tasks.
HOMEWORKS_WORDS = re.compile(
    r"cifar|fashion|mnist|squeezenet|imagenet|notebook|ipynb|train\.py|functions\.py|two_?layer|\blayers\b|\btask \d",
    re.IGNORECASE,
)
# Words that a file needs all the same, each with the reason.
NEEDED = {
    "handout.py": {"notebook", "ipynb"},  # a form of file that is emptied cell by cell
    "command/check_homework.py": {"ipynb"},  # a form of file that may be handed out for a script
    "rubric.py": {"notebook"},  # a form of file that is handed in for a script
    "release/leaks.py": {"notebook", "ipynb"},  # the same, searched cell by cell
    "review/evidence.py": {"notebook", "ipynb"},  # a form of file, shown cell by cell
    "intake/missing.py": {"notebook", "ipynb"},  # a form of file whose outputs have to be there
    **{f"intake/{name}.py": {"notebook", "ipynb"} for name in ("archive", "choice", "helpers")},  # a form of file
    "intake/submission.py": {"notebook"},  # the same
    "sandbox/worker/cells.py": {"notebook"},  # the same, imported
    "sandbox/worker/own_modules.py": {"notebook"},  # the same
    "intake/repository.py": {"notebook"},  # a form of file, whose lines are not those of its cells
    "intake/repair.py": {"notebook", "ipynb"},  # the same, by what is in it
    "intake/match.py": {"notebook", "ipynb"},  # the same, by its name
    "course/layouts/folder.py": {"ipynb"},  # what Jupyter leaves behind
    "similarity/work.py": {"notebook"},  # a form of file, of which cells and outputs are compared
    "course/export/feedback/canvas.py": {"ipynb"},  # a form of file that students hand in
    "sandbox/worker/standins.py": {"notebook"},  # a package of that name
}
ENGINE = [path for path in sorted(GRADER.rglob("*")) if path.is_file() and "__pycache__" not in path.parts
          and path.suffix != ".md" and not path.is_relative_to(GRADER / "homework")]  # fmt: skip


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.relative_to(GRADER).as_posix())
def test_the_engine_names_nothing_of_a_homework(path):
    name = path.relative_to(GRADER).as_posix()
    found = {word.lower() for word in HOMEWORKS_WORDS.findall(path.read_text(encoding="utf-8"))}
    assert found <= NEEDED.get(name, set()), f"{name} names {sorted(found)}, which belong to one homework"


def test_no_file_is_allowed_a_word_that_it_does_not_need():
    for name, words in NEEDED.items():
        found = {word.lower() for word in HOMEWORKS_WORDS.findall((GRADER / name).read_text(encoding="utf-8"))}
        assert words == found, name


def sentences(path):
    """(line, words) of each text in a file that is no docstring, no program and no list of words, with a placeholder
    as one word."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    bodies = [node.body for node in nodes if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    skipped = {body[0].value for body in bodies if body and isinstance(body[0], ast.Expr)}
    skipped |= {node.func.value for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                and node.func.attr == "split"}  # fmt: skip
    skipped |= {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if node in skipped or not isinstance(node, ast.Constant | ast.JoinedStr):
            continue
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        texts = [part.value if isinstance(part, ast.Constant) else "{}" for part in parts]
        text = "".join(one for one in texts if isinstance(one, str))
        if "\n" not in text.strip() and not text.startswith(("SELECT", "INSERT", "import ")):
            yield node.lineno, len(text.split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(GRADER).as_posix())
def test_no_sentence_is_too_long_for_its_reader(path):
    assert [line for line, words in sentences(path) if words > MOST_WORDS] == []
