"""Imports point down only, as grader/README.md draws it; the worker knows nothing of the grader."""

import ast
import re
from pathlib import Path

import pytest

GRADER = Path(__file__).parents[1] / "grader"

LAYERS = [
    {"model", "errors", "worker", "syntax"},
    {
        "rubric",
        "unpack",
        "archive",
        "submission",
        "numeric",
        "data",
        "hyperparameters",
        "source",
        "notebook",
        "accuracies",
        "pictures",
        "entry",
        "roster",
        "layouts",
        "changes",
        "cohort",
        "standin",
        "files",
        "database",
    },
    {"report"},
    {"export", "launch", "download", "datasets", "claim"},
    {"process", "pool", "cluster", "remote"},
    {"session", "diagnose"},
    {"expect", "check"},
    {"grading"},
    {"gradebook", "handout", "doctor", "keys"},
    {"bench", "doubts"},
    {"pages"},
    {"batch"},
    {"command"},
    {"cli"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# Within a layer, who may import whom.
BESIDE = {
    ("errors", "model"), ("accuracies", "notebook"),
    ("archive", "unpack"), ("submission", "archive"), ("submission", "unpack"),
    ("layouts", "archive"), ("layouts", "entry"), ("layouts", "roster"), ("roster", "entry"),
}  # fmt: skip

FILES = [path for path in sorted(GRADER.rglob("*.py")) if path.name != "__init__.py" and path.parent.name != "homework"]


def room(path: Path) -> str:
    return path.relative_to(GRADER).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """The rooms of ours that a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("grader.") and "__" not in name}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(GRADER).as_posix())
def test_imports_point_down(path):
    own = room(path)
    assert own in LEVEL, f"grader/{own} is in no layer; name it here and in grader/README.md"
    for other in imported(path) - {own}:
        below = LEVEL[other] < LEVEL[own] or (own, other) in BESIDE
        assert below, f"{own} imports {other}, which does not lie below it"


def test_the_worker_imports_nothing_of_ours_but_itself():
    for path in (GRADER / "worker").glob("*.py"):
        assert imported(path) <= {"worker"}, path


def test_homework_is_imported_by_nobody():
    for path in FILES:
        assert "homework" not in imported(path), path


def test_a_task_reads_no_other_tasks_files():
    """A result rests on all that its task's file imports, so what two tasks share is in neither's file."""
    tasks = sorted((GRADER / "homework").glob("task*.py"))
    assert tasks
    for path in tasks:
        names = {alias.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                 if isinstance(node, ast.ImportFrom) for alias in node.names}  # fmt: skip
        assert not names & {task.stem for task in tasks}, path


def test_every_module_is_in_the_plan():
    """By its file's name, in the drawing of the house; a package that holds one kind of thing, by the thing's."""
    page = (GRADER / "README.md").read_text(encoding="utf-8")
    plan = page[page.index("## Inside grader/") : page.index("## One submission's way through")]
    for path in (path for path in GRADER.rglob("*.py") if path.name != "__init__.py"):
        kind = path.parent.name
        if kind in ("report", "export", "command"):
            lines = re.search(rf"^ +\d? +{kind}/(.*\n(?: {{20,}}.*\n)*)", plan, re.MULTILINE)
            assert lines, kind
            assert re.search(rf"\b{path.stem}\b", lines[1]), (
                f"{path.relative_to(GRADER)} is missing in grader/README.md"
            )
        else:
            assert re.search(rf"(?<![\w/]){path.name}\b", plan), f"{path.relative_to(GRADER)} is missing there"
    files = {path.name for path in GRADER.rglob("*.py")}
    named = set(re.findall(r"^ +\d? +(\w+\.py)\b", plan, re.MULTILINE))
    assert named <= files, "grader/README.md names a file that is not there"
