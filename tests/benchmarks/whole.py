"""What whole submissions cost, with training: twelve students' files and notebooks in real people's styles.

    python tests/benchmarks/whole.py [--data-root FOLDER] [--unverified] [--only WORD]

For each: its points, its CPU seconds and those on the clock, and the CPU seconds of its costliest checks. Data are read
before the clock starts. Exits with 1 where one loses a point, or where the median is over 30 CPU s or the 95th
percentile over 120.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.loading import load  # noqa: E402
from grader.model import CheckResult, Submission  # noqa: E402
from grader.sandbox.launch import Zygotes  # noqa: E402

SUBMISSIONS = ROOT / "tests" / "submissions"
STARRED = {path.name: path for path in (ROOT / "reference").rglob("*.py")}
NAMES = ("functions.py", "layers.py", "two_layer_net.py")
TASKS = ("1", "2", "3", "4", "5")
MEDIAN, TAIL = 30.0, 120.0  # CPU seconds
OVERFIT = {"hidden_dim": 200, "num_train": 1000, "num_epochs": 100, "learning_rate": 0.05, "batch_size": 50, "reg": 0.0}
FEW = {"hidden_dim": 50, "num_train": 200, "num_epochs": 200, "learning_rate": 0.05, "batch_size": 20, "reg": 0.0}
MANY = {"hidden_dim": 300, "learning_rate": 0.05, "batch_size": 50}
BIG = {"batch_size": 256, "learning_rate": 0.1, "num_epochs": 30}
SMALL = {"batch_size": 32, "learning_rate": 0.02}
MORE = ("4000", "30000"), ("num_epoch = 8", "num_epoch = 4")  # real pictures are harder than made-up ones
TABLE = re.compile(r"(?m)^        (num_train|hidden_dim|batch_size|num_epochs|learning_rate|reg) = ([^#\n]+)$")


@dataclass(frozen=True)
class Student:
    """`code` is a folder of tests/submissions, `notebook` a case of its notebooks. `best` and `overfit` are the
    settings that train.py changes, which it writes in a dict where `written` is "dict"."""

    code: str
    notebook: str
    best: dict[str, float]
    overfit: dict[str, float]
    written: str = ""


STUDENTS = (
    Student("", "right", {}, {}),
    Student("right-tabs", "time-line", {}, OVERFIT),
    Student("right-w1-attributes", "partial", {"hidden_dim": 64}, FEW | {"hidden_dim": 100}),
    Student("right-type-hints", "lenet", MANY, FEW | {"hidden_dim": 128, "num_epochs": 120}),
    Student("right-enum-names", "resnet", BIG, FEW | {"batch_size": 50, "num_epochs": 300}),
    Student("right-einsum-object-cache", "batch-norm", SMALL, FEW | {"batch_size": 10, "learning_rate": 0.02}),
    Student("right-log-sum-exp", "dropout", {"reg": 5e-3}, FEW | {"reg": 1e-3}),
    Student("right-parameter-names", "augmented", {"num_train": 15000}, FEW | {"num_train": 500}),
    Student("right-integer-names", "scikit-learn-split", {}, {}, "dict"),
    Student("right-dict-caches-log-p", "drive-mount", BIG, FEW, "dict"),
    Student("right-0d-losses", "loop-without-a-function", {}, FEW),
    Student("right-prints", "magic-in-every-cell", {}, {}),
)


def files(student: Student) -> dict[str, bytes]:
    found = {name: STARRED[name].read_bytes() for name in NAMES}
    own = SUBMISSIONS / student.code
    found |= {path.name: path.read_bytes() for path in own.glob("*.py") if student.code and path.name in NAMES}
    found["train.py"] = train(student).encode()
    return found | {"part1.ipynb": notebook(student.notebook)}


def train(student: Student) -> str:
    """The reference's train.py with a student's settings."""
    text = STARRED["train.py"].read_text(encoding="utf-8")
    parts = text.partition("    else:\n        # ---- Overfit model")
    both = [with_settings(part, given) for part, given in ((parts[0], student.best), (parts[2], student.overfit))]
    text = f"{both[0]}{parts[1]}{both[1]}"
    return TABLE.sub(r'        given = {"\1": \2}\n        \1 = given["\1"]', text) if student.written else text


def with_settings(text: str, given: dict[str, float]) -> str:
    for name, value in given.items():
        text = re.sub(rf"(?m)^        {name} = .*$", f"        {name} = {value}", text, count=1)
    return text


def notebook(name: str) -> bytes:
    cases = yaml.safe_load((SUBMISSIONS / "notebooks" / "cases.yaml").read_text(encoding="utf-8"))
    text = (SUBMISSIONS / "notebooks" / "base.txt").read_text(encoding="utf-8")
    for old, new in cases[name].get("replace", ()):
        assert old in text, old
        text = text.replace(old, new)
    for few, many in MORE:
        text = text.replace(few, many)
    assert "4000" not in text
    spec = importlib.util.spec_from_file_location("build", ROOT / "tests" / "notebooks" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return str(build.notebook(text)).encode()


def cpu() -> float:
    """CPU seconds of this process and of those that have ended below it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def costliest(checks: Iterator[CheckResult]) -> str:
    first = sorted(checks, key=lambda check: -check.seconds)[:3]
    return ", ".join(f"{check.name} {check.seconds:.0f}" for check in first if check.seconds >= 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--only", default="", help="students whose files or notebook hold this word")
    given = parser.parse_args()
    homework = load(ROOT / "grader" / "homework")
    store = datasets.Store(homework, datasets.root(given.data_root), unverified=given.unverified)
    for name in ("cifar10", "fashion-mnist"):
        print(f"{name}: {store(name).source}", flush=True)
    print("| files | notebook | points | CPU | seconds | costliest checks |\n| - | - | - | - | - | - |", flush=True)
    used, lost = [], 0
    for student in STUDENTS:
        if given.only not in f"{student.code} {student.notebook}":
            continue
        work = files(student)
        with Zygotes(ahead=True) as zygotes:
            before, began = cpu(), time.monotonic()
            submission = Submission(student.notebook, work, {name: name for name in work}, "")
            report = grade(submission, homework, seed=1, only=TASKS, launch=zygotes.launch, data=store)
            seconds = time.monotonic() - began
        used.append(cpu() - before)
        lost += report.score < report.max_score
        print(f"| {student.code or 'reference'} | {student.notebook} | {report.score:g} of {report.max_score:g} | "
              f"{used[-1]:.1f} | {seconds:.1f} | {costliest(iter(report.checks))} |", flush=True)  # fmt: skip
        for check in report.checks:
            if check.earned < check.points:
                print(f"  {check.name}: {check.verdict.value}, {check.earned:g} of {check.points:g}: {check.message}")
    median, tail = float(np.median(used)), float(np.percentile(used, 95))
    print(f"median {median:.1f} CPU s, 95th percentile {tail:.1f}")
    return int(lost > 0 or median > MEDIAN or tail > TAIL)


if __name__ == "__main__":
    sys.exit(main())
