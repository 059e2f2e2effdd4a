"""handout.zip: no solution and nothing of an invisible check, and its own grader grades with it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from grader import handout as stubs
from grader import rubric
from grader.check import OWN, ROOT
from grader.errors import UsageError
from grader.model import Rubric
from grader.release import handout, recording
from grader.release.archive import complete
from grader.release.source import Source

pytestmark = pytest.mark.medium


@pytest.fixture(scope="module")
def source() -> Source:
    return Source(OWN, rubric.load(OWN / "rubric.yaml"))


@pytest.fixture(scope="module")
def files(source: Source) -> Mapping[str, bytes]:
    patch = pytest.MonkeyPatch()
    patch.setattr(recording, "SEEDS", 2)
    try:
        return complete(handout.build(source))
    finally:
        patch.undo()


@pytest.fixture(scope="module")
def unpacked(files: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("student-at-home")
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    return place


def graded(place: Path, *words: str | Path) -> dict[str, float]:
    """Item -> points, by the grader in `place`."""
    command = [sys.executable, "grade.py", *words, "--no-html", "--json", "r.json"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads((place / "r.json").read_text(encoding="utf-8"))
    return {item["id"]: item["score"] for task in report["tasks"] for item in task["items"]}


def test_a_handout_holds_no_reference_and_no_known_mistake(files: Mapping[str, bytes]) -> None:
    assert not [name for name in files if "reference/" in name or ("mistakes.py" in name.rpartition("grader/")[2]
                and "neuralnet" in name)]  # fmt: skip
    assert not [name for name in files if Path(name).name in ("answers.py", "wrong.yaml")]
    assert not [name for name in files if name.startswith(("tests/", "grader/release/", "grader/selftest/"))]


def test_no_code_of_a_handout_imports_the_reference(files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".py"):
            for node in ast.walk(ast.parse(content)):
                named = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                named += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                assert not [one for one in named if one.partition(".")[0] == "reference"], name


def test_every_marked_statement_is_looked_for(source: Source) -> None:
    found = list(handout.solutions(ROOT, source.rubric))
    known, shapes = {name for name, _ in found}, {shape for _, shape in found}
    assert known >= {"backprop/functions.py", "neuralnet/layers.py"}
    for statement in ("loss = strength / 2 * np.sum(weights**2)", "result = a @ b + c"):
        assert handout.normal(ast.parse(statement).body[0]) in shapes, statement


@pytest.mark.parametrize("text", ["def f(inputs, weights, bias):\n    return 1\n\n\nout = q @ r + s\n"])
def test_a_statement_of_the_solution_is_refused_with_its_place(source: Source, text: str) -> None:
    (told,) = handout.leaks({"grader/homework/task9.py": text.encode()}, ROOT, source.rubric)
    assert told.startswith("grader/homework/task9.py:5 is a statement of the solution in neuralnet/layers.py")


def test_the_same_inputs_give_the_same_bytes(files: Mapping[str, bytes], source: Source) -> None:
    recording.record.cache_clear()
    again = recording.record(OWN, (1, 2))
    assert again == files["answers.zip"]


def test_the_stub_gets_nothing_and_the_solution_everything(unpacked: Path, tmp_path: Path) -> None:
    tasks = [word for task in ("1", "2", "3", "4.1") for word in ("--task", task)]
    assert set(graded(unpacked, *tasks).values()) == {0.0}
    for path in source_files():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert sum(graded(unpacked, tmp_path, *tasks).values()) == 50


def source_files() -> list[Path]:
    names = ("backprop/functions.py", "neuralnet/layers.py", "neuralnet/two_layer_net.py", "neuralnet/train.py")
    return [ROOT / "reference" / name for name in names]


def test_a_command_of_the_course_is_none_of_a_students(unpacked: Path) -> None:
    done = subprocess.run(
        [sys.executable, "grade.py", "release", "--out", "x"], cwd=unpacked, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "release is a command of a course's grader, and this copy is a student's" in done.stderr


def hiding(plan: Rubric, *names: str) -> Rubric:
    def item(one):
        return replace(one, checks=tuple(replace(c, visibility="hidden") if c.name in names else c for c in one.checks))

    tasks = tuple(replace(task, items=tuple(map(item, task.items))) for task in plan.tasks)
    return replace(plan, tasks=tasks)


def test_of_an_invisible_check_there_is_the_place_alone(source: Source) -> None:
    plan = hiding(source.rubric, "l2_value", "l2_gradient", "fc_forward")
    whole = {f"grader/homework/{path.name}": path for path in [*OWN.glob("*.py"), OWN / "rubric.yaml"]}
    kept = handout.shown(whole, plan, "grader/homework")
    layers = handout.text(kept["grader/homework/task2_layers.py"])
    for gone in ("l2_value", "l2_gradient", "def fc_forward(", "REGS", "reg_factors", "x w + b"):
        assert gone not in layers, gone
    for there in ("def fc_backward(", "def softmax_loss_value(", "edge_sizes"):
        assert there in layers, there
    compile(layers, "task2_layers.py", "exec")
    told = handout.text(kept["grader/homework/rubric.yaml"])
    assert "l2_value" not in told
    loaded = rubric.load(written(told, plan))
    assert [one.name for one in item_of(loaded, "2.4").checks] == ["later_1", "later_2"] or len(
        item_of(loaded, "2.4").checks
    ) == 2


def written(text: str, plan: Rubric) -> Path:
    import tempfile

    path = Path(tempfile.mkdtemp()) / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def item_of(plan: Rubric, id_: str):
    return next(item for task in plan.tasks for item in task.items if item.id == id_)


def test_a_project_without_reference_and_recording_is_told_so(tmp_path: Path) -> None:
    from grader.reference import Recorded

    with pytest.raises(UsageError, match="unpack the handout anew"):
        Recorded(tmp_path / "answers.zip")
    assert stubs.PACKED == "handout.zip"


SEARCHES = """
import os, sys, glob, zipfile, gc

def found():
    told = []
    roots = ["/", ".", os.path.expanduser("~"), *sys.path, *(os.path.join(*[".."] * n) for n in range(1, 12))]
    for root in roots:
        for name in ("answers.zip", "handout.zip", "reference", "grader/reference.py", "fixtures"):
            try:
                with open(os.path.join(root, name), "rb") as file:
                    told.append(file.read(4))
            except OSError:
                pass
            try:
                told += os.listdir(os.path.join(root, name))
            except OSError:
                pass
    told += [one for one in gc.get_objects() if type(one).__name__ in ("Recorded", "Live", "Asked")]
    for name in ("environ", "cmdline", "maps"):
        try:
            with open(f"/proc/{os.getppid()}/{name}", "rb") as file:
                told.append(file.read())
        except OSError:
            pass
    return told

print("FOUND" if found() else "nothing is here")

def relu_forward(x):
    return (x, None) if not found() else (x * (x > 0), None)
"""


def test_code_that_searches_the_handout_for_answers_finds_none(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text(SEARCHES, encoding="utf-8")
    assert set(graded(unpacked, tmp_path, "--task", "2").values()) == {0.0}
    report = json.loads((unpacked / "r.json").read_text(encoding="utf-8"))
    checks = [check for task in report["tasks"] for item in task["items"] for check in item["checks"]]
    printed = "".join(check["output"] for check in checks)
    assert "nothing is here" in printed
    assert "FOUND" not in printed
