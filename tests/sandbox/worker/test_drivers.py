"""A homework outside this project, with drivers, data sets and a section of its own: graded without a word of ours."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.data.datasets import Store
from grader.errors import UsageError
from grader.grading import grade
from grader.loading import load
from grader.model import Homework, Submission, Verdict
from grader.sandbox.launch import Zygotes, spawn
from grader.sandbox.worker import drivers

RUBRIC = f"""
title: Counting
data:
  words:
    title: Words
    places: [words]
    files: {{a.txt: {hashlib.md5(b"one two").hexdigest()}}}
    reader: data.words.read
sections:
  counting:
    modules: {{count: count.py}}
    submit: [count.py]
    warm: [csv, numpy.polynomial]
    drivers: [spin]
tasks:
  - id: "1"
    title: One
    section: counting
    items:
      - {{id: "1.1", title: Counts, points: 4, data: [words], checks: [counts]}}
"""
CHECKS = '''
import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch

from .helpers.words import expected


@check("1.1")
def counts(hw: Subject, rng: np.random.Generator) -> None:
    """It counts to the end."""
    words = hw.data("words").letters
    run = hw.session.drive("spin", {"steps": 3}, {"letters": words}, files={"deep/a.txt": hw.fixtures / "a.txt"},
                           seconds=10.0)
    first, second = run.advance(0.5), run.tell("total", 1)
    if (first["counted"], second, first["file"]) != (expected(words), expected(words) + 1, "recorded"):
        raise Mismatch(f"{first} {second}")
    if not first["warm"] or first["readable"]:
        raise Mismatch(f"warm {first['warm']}, readable {first['readable']}")
'''
DRIVER = '''
"""Counts with the student's function."""
import sys
from pathlib import Path

import numpy as np

from .shared import FACTOR


def begin(student, order):
    return Run(student, order)


class Run:
    def __init__(self, student, order):
        self.letters = np.load(order["files"]["letters"])
        self.file = Path(student.files, "deep", "a.txt").read_text()
        self.count = student.module("count").count
        self.found = 0

    def advance(self, seconds):
        for _ in range(3):
            self.found = self.count(self.letters)
        try:
            readable = bool(Path(__file__).read_text())
        except PermissionError:
            readable = False
        return {"counted": self.found * FACTOR, "file": self.file, "warm": "csv" in sys.modules, "readable": readable}

    def total(self, more):
        return self.found + more
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "rubric.yaml": RUBRIC,
        "task1.py": CHECKS,
        "helpers/words.py": "def expected(letters):\n    return len(letters)\n",
        "data/words.py": "import numpy as np\n\ndef read(files):\n"
        "    return {'letters': np.frombuffer(files['a.txt'], np.uint8)}\n",
        "worker/spin.py": DRIVER,
        "worker/shared.py": "FACTOR = 1\n",
        "reference/count.py": "def count(letters): return len(letters)\n",
        "student/count.py": "def count(letters): return None\n",
        "fixtures/a.txt": "recorded",
        "root/words/a.txt": "one two",
    }
    for name, text in files.items():
        (tmp_path / "hw" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "hw" / name).write_text(text, encoding="utf-8")
    return tmp_path / "hw"


def graded(homework: Homework, folder: Path, launch: Any, code: bytes = b"def count(a): return len(a)\n") -> Any:
    data = Store(homework, folder / "root")
    return grade(Submission("s", {"count.py": code}, {}, ""), homework, seed=1, data=data, launch=launch)


@pytest.mark.parametrize("start", ["spawn", "zygotes"])
def test_a_homework_elsewhere_brings_its_own_drivers_data_and_section(folder, start):
    homework = load(folder)
    with Zygotes(ahead=True) as zygotes:
        launch = zygotes.launch if start == "zygotes" else lambda section: spawn
        report = graded(homework, folder, launch)
        (check,) = report.checks
        if start == "zygotes" and sys.platform.startswith("linux"):
            assert check.verdict is Verdict.PASS, check.message
        else:  # warm modules are for processes that are forked
            assert check.verdict is Verdict.PASS or "warm False" in check.message, check.message
        assert report.provenance.versions["words"].startswith("Words ")
        assert "on stand-in data" not in " ".join(report.notes)
        (check,) = graded(homework, folder, launch, b"def count(a): return 0\n").checks
        assert check.verdict is Verdict.FAIL


@pytest.mark.parametrize("start", ["spawn", "zygotes"])
@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nothing_of_that_name\n", r"spin\.py:1: ModuleNotFoundError: .*; correct this driver"),
        ("x = 1\nx = (\n", r"spin\.py:2: .*; correct this driver"),
        ("from . import broken\n", r"broken\.py:1: SyntaxError: .*; correct this driver"),
        ("raise RuntimeError('no')\n", r"spin\.py:1: RuntimeError: no; correct this driver"),
    ],
)
def test_a_driver_that_cannot_be_loaded_is_no_fault_of_the_students(folder, start, code, says):
    (folder / "worker" / "spin.py").write_text(f"{code}def begin(student, order): ...\n")
    (folder / "worker" / "broken.py").write_text("(\n")
    with Zygotes() as zygotes, pytest.raises(UsageError, match=says):
        graded(load(folder), folder, zygotes.launch if start == "zygotes" else lambda section: spawn)


def test_packages_of_two_homeworks_do_not_meet(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "worker").mkdir(parents=True)
        (tmp_path / name / "worker" / "spin.py").write_text(f"from .shared import WORD\nNAME = {name!r}\n")
        (tmp_path / name / "worker" / "shared.py").write_text(f"WORD = {name!r}\n")
    found = [drivers.load((f"package_{n}", str(tmp_path / n)), ["spin"])["spin"] for n in ("one", "two")]
    assert [(module.NAME, module.WORD) for module in found] == [("one", "one"), ("two", "two")]
    assert drivers.load(("", ""), []) == {}
