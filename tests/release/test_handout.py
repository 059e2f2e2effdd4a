"""handout.zip: no solution and nothing of an invisible check, and its own grader grades with it."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grader import handout as stubs
from grader import rubric
from grader.cli import COMMANDS
from grader.errors import UsageError
from grader.loading import OWN, ROOT
from grader.model import Rubric
from grader.reference import Recorded
from grader.release import handout, leaks, recording, trial, unseen
from grader.release.archive import complete, text
from grader.release.source import Source

pytestmark = pytest.mark.medium


STUDENTS = ("batch", "data", "doctor", "gradebook", "pack")  # commands that a handout has


def notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]})


@pytest.fixture(scope="module")
def source() -> Source:
    return Source(OWN, rubric.load(OWN / "rubric.yaml"))


@pytest.fixture(scope="module")
def files(source: Source) -> Mapping[str, bytes]:
    return complete(handout.build(replace(source, seeds=2)))


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


def test_a_handout_holds_no_reference_and_no_file_that_quotes_it(files: Mapping[str, bytes]) -> None:
    parts = {part for name in files for part in name.split("/")}
    assert not parts & {"reference", "right", "wrong", "tests", "release", "selftest"}
    assert not parts & {"answers.py", "mistakes.py", "wrong.yaml", "selftest.yaml"}
    assert {"student/neuralnet/layers.py", "answers.zip", "handout.zip", "grade.py"} <= files.keys()
    solution = (ROOT / "reference" / "neuralnet" / "layers.py").read_text(encoding="utf-8")
    for line in ("out = np.maximum(x, 0)", "grad_w = x.T @ grad_out", "np.maximum(x, 0)"):
        assert line in solution, line
        holding = [name for name, content in files.items() if line.encode() in content]
        assert holding in ([], ["grader/homework/training/trained_network.py"]), line  # its own forward pass


def test_no_code_of_a_handout_imports_the_reference(files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if name.endswith(".py"):
            for node in ast.walk(ast.parse(content)):
                named = [one.name for one in node.names] if isinstance(node, ast.Import) else []
                named += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                assert not [one for one in named if one.partition(".")[0] == "reference"], name


def test_the_marked_statements_are_looked_for_whatever_their_names(source: Source) -> None:
    listed = tuple(name for name in source.rubric.handout.files if not name.endswith("layers.py"))
    plan = replace(source.rubric, handout=replace(source.rubric.handout, files=listed))  # a module is one all the same
    found = list(leaks.solutions(ROOT, plan))
    assert {name for name, _ in found} >= {"backprop/functions.py", "neuralnet/layers.py", "part1.ipynb"}
    shapes = {leaks.normal(node) for _, node in found}
    for statement in ("loss = strength / 2 * np.sum(weights**2)", "result = a @ b + c"):
        assert leaks.normal(ast.parse(statement).body[0]) in shapes, statement
    assert leaks.normal(ast.parse("result = a @ b - c").body[0]) not in shapes


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        ("grader/homework/task9.py", "def f():\n    return 1\n\n\nout = q @ r + s\n", "grader/homework/task9.py:5"),
        ("student/hint.ipynb", notebook("a = 1\n", "if True:\n    z = q @ r + s\n"), "student/hint.ipynb:2"),
        ("grader/homework/selftest.yaml", "- {change: 'loss = reg / 2 *  np.sum(w ** 2) -> 0'}\n", "selftest.yaml"),
    ],
)
def test_a_statement_of_the_solution_is_refused_with_its_place(
    source: Source, path: str, text: str, place: str
) -> None:
    (told,) = leaks.leaks({path: text.encode()}, ROOT, source.rubric)
    assert f"{place} holds a statement of the solution in neuralnet/layers.py" in told


def test_a_release_is_refused_for_what_it_holds(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handout, "members", lambda source: {"grade.py": b"out = q @ r + s\n"})
    with pytest.raises(UsageError, match=r"grade\.py:1 holds a statement"):
        handout.build(source)


def test_the_grader_may_resemble_the_solution_of_another_homework(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ROOT / "tests" / "homeworks" / "framework"
    source = Source(folder, rubric.load(folder / "rubric.yaml"))
    solution = ast.unparse(next(leaks.solutions(folder, source.rubric))[1]).encode()
    monkeypatch.setattr(handout, "members", lambda source: {"grader/measure/numeric.py": solution})
    handout.build(source)
    monkeypatch.setattr(handout, "members", lambda source: {"homework/checks.py": solution})
    with pytest.raises(UsageError, match=r"homework/checks\.py:1 holds a statement"):
        handout.build(source)


def test_a_check_that_the_solution_does_not_pass_in_a_handout_is_named(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [line.name for line in source.rubric.tasks[1].items[0].checks]

    def run(command: list[str | Path]) -> str:
        checks = [
            {"name": line.name, "earned": 0.0 if line.name == names[0] else line.points}
            for task in source.rubric.tasks
            for item in task.items
            for line in item.checks
        ]
        Path(command[-1]).write_text(json.dumps({"tasks": [{"items": [{"checks": checks}]}]}))
        return ""

    monkeypatch.setattr(handout.trial, "run", run)
    assert list(handout.lost_by_the_solution(tmp_path, source)) == names[:1]


@pytest.mark.parametrize("left", [None, "", "[]", '{"tasks": [{}]}', '{"tasks": 1}'])
@pytest.mark.parametrize("look", [trial.score, trial.earned])
def test_a_package_that_leaves_no_result_is_told(look: Callable[[Path], Any], left: str | None, tmp_path: Path) -> None:
    if left is not None:
        (tmp_path / "result.json").write_text(left)
    with pytest.raises(UsageError, match=r"the package left no result in result\.json"):
        look(tmp_path / "result.json")


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


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in STUDENTS])
def test_a_command_of_the_course_is_none_of_a_students(unpacked: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "grade.py", command, "x"], cwd=unpacked, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"{command} is a command of a course's grader, and this copy is a student's" in done.stderr


@pytest.mark.parametrize("command", STUDENTS)
def test_every_command_that_a_handout_shows_can_be_asked_for_help(unpacked: Path, command: str) -> None:
    asked = [sys.executable, "grade.py", command, "-h"]
    done = subprocess.run(asked, cwd=unpacked, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert command in done.stdout


def hiding(plan: Rubric, *names: str) -> Rubric:
    def item(one):
        return replace(one, checks=tuple(replace(c, visibility="hidden") if c.name in names else c for c in one.checks))

    tasks = tuple(replace(task, items=tuple(map(item, task.items))) for task in plan.tasks)
    return replace(plan, tasks=tasks)


def test_of_an_invisible_check_there_is_the_place_alone(source: Source, tmp_path: Path) -> None:
    plan = hiding(source.rubric, "l2_value", "l2_gradient", "fc_forward")
    whole = {f"grader/homework/{path.name}": path for path in [*OWN.glob("*.py"), OWN / "rubric.yaml"]}
    kept = unseen.without_unseen(whole, plan, "grader/homework")
    layers = text(kept["grader/homework/task2_layers.py"])
    for gone in ("l2_value", "l2_gradient", "def fc_forward(", "expect_fc_forward", "REGS", "reg_factors", "x w + b"):
        assert gone not in layers, gone
    for there in ("def fc_backward(", "def softmax_loss_value(", "edge_sizes"):
        assert there in layers, there
    compile(layers, "task2_layers.py", "exec")
    path = tmp_path / "rubric.yaml"
    path.write_text(text(kept["grader/homework/rubric.yaml"]), encoding="utf-8")
    items = {item.id: item for task in rubric.load(path).tasks for item in task.items}
    before = {item.id: item for task in plan.tasks for item in task.items}
    assert [line.name for line in items["2.4"].checks] == ["later_2", "later_3"]
    assert [line.name for line in items["2.1"].checks] == ["later_1", "fc_backward"]
    for id_ in ("2.1", "2.4"):
        assert [line.points for line in items[id_].checks] == [line.points for line in before[id_].checks]


def test_a_comment_above_an_invisible_check_goes_with_it() -> None:
    code = "import a\n\nKEPT = 1\n\n\n# asks for 42\n# and more\n@check('1.1')\ndef f(hw, rng):\n    return a.x\n"
    (left,) = unseen.without({"t.py": code}, ["f"]).values()
    assert "42" not in left
    assert "import a" not in left
    assert "KEPT = 1" in left


def test_what_an_invisible_check_takes_of_another_file_goes_with_it_and_no_import_that_others_need() -> None:
    files = {
        "t.py": "import registers\nfrom .h import *\nfrom .h import CASES, draw\nfrom . import h, k\nimport math\n\n\n"
        "def f():\n    return CASES, h.answer, k.of(math.pi)\n\n\ndef g():\n    return draw(shared(), h.seed)\n",
        "h.py": "CASES = [42]\nanswer = 42\nseed = 1\n\n\ndef draw():\n    pass\n\n\ndef shared():\n    pass\n",
        "k.py": "def of():\n    pass\n\n\ndef begin():\n    pass\n",
    }
    left = unseen.without(files, ["f"])
    assert left["t.py"].splitlines()[:4] == [
        "import registers",
        "from .h import *",
        "from .h import draw",
        "from . import h",
    ]
    assert "math" not in left["t.py"]
    assert all(compile(content, path, "exec") for path, content in left.items())
    assert "42" not in left["h.py"]
    assert all(f"def {name}(" in left["h.py"] for name in ("draw", "shared"))
    assert "def of" not in left["k.py"]
    assert "def begin" in left["k.py"]


def test_a_project_without_reference_and_recording_is_told_so(tmp_path: Path) -> None:
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
    told += [one for one in gc.get_objects() if type(one).__name__ in ("Recorded", "Live", "Proxy")]
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


def test_a_hidden_check_is_points_that_are_measured_later(tmp_path: Path) -> None:
    """In the handout of another homework, from its rubric to the student's terminal."""
    folder = tmp_path / "hw"
    shutil.copytree(ROOT / "tests" / "homeworks" / "autograd", folder)
    path = folder / "rubric.yaml"
    told = path.read_text(encoding="utf-8").replace("checks: [neuron]", "checks: [neuron], visibility: hidden")
    path.write_text(told.replace("called_twice: 1}", "called_twice: 1}, visibility: {used_twice: after_due}"))
    files = complete(handout.build(Source(folder, rubric.load(path), seeds=2)))
    place = tmp_path / "student"
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    assert b"def neuron(" not in files["homework/checks.py"]
    right = tmp_path / "right"
    shutil.copytree(ROOT / "tests" / "homeworks" / "autograd" / "right" / "by-closures", right)
    points = graded(place, right, "--homework", "homework")
    assert points == {"1.1": 4.0, "1.2": 4.0, "2.1": 0.0}
    report = json.loads((place / "r.json").read_text(encoding="utf-8"))
    said = [check["message"] for task in report["tasks"] for item in task["items"] for check in item["checks"]]
    assert [one for one in said if one] == [
        "2 points are measured after you hand in", "3 points are measured after you hand in",
    ]  # fmt: skip


def test_a_package_that_fails_names_its_program_and_the_last_reason(tmp_path: Path) -> None:
    (tmp_path / "grade.py").write_text("print('? a fault of f\\n\\nisolation: fs=landlock'); raise SystemExit(3)")
    with pytest.raises(UsageError, match=r"^grade\.py of the package fails: \? a fault of f$"):
        trial.run([sys.executable, tmp_path / "grade.py"])
