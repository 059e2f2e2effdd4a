"""The grader, graded on notebooks: submissions/notebooks/cases.yaml says what is wrong in each, and what it gets."""

from __future__ import annotations

import importlib.util
import re
import zlib
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from grader.data.datasets import DataSet
from grader.grading import grade
from grader.homework.data import synthetic
from grader.homework.notebooks import fashion_run
from grader.loading import ROOT, load
from grader.model import CheckResult, Homework, Report, Submission
from grader.sandbox.launch import Zygotes

pytestmark = pytest.mark.medium

FOLDER = Path(__file__).parent / "submissions" / "notebooks"
HOMEWORK = load(ROOT / "grader" / "homework")
CASES = yaml.safe_load((FOLDER / "cases.yaml").read_text(encoding="utf-8"))
UNTRAINED = ("invalid-json", "merge-conflict", "no-code", "no-network", "typed-outputs", "web-page")
IMAGES, TESTED = 6000, 1000  # of the stand-in; the training set repeats them until it is as large as the real one
SETTINGS = {"budget": 30.0, "least": 16_000, "full": 0.80}
EVERY = 8_000  # pictures between two looks at a network

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("torchvision") is None,
    reason="torch is not installed; type: python -m pip install -e '.[torch]'",
)


def builder() -> Any:
    spec = importlib.util.spec_from_file_location("build", ROOT / "tests" / "notebooks" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD = builder()


@dataclass(frozen=True)
class Case:
    """One of cases.yaml; a field that is not one of these is a mistake in it."""

    about: str
    points: tuple[Any, ...]
    replace: tuple[tuple[str, str], ...] = ()
    form: str = ""
    text: str = ""
    settings: dict[str, float] = field(default_factory=dict)
    says: dict[str, str] = field(default_factory=dict)
    advice: dict[str, str] = field(default_factory=dict)
    review: tuple[str, ...] = ()

    def file(self) -> bytes:
        if self.form == "raw":
            return self.text.encode()
        text = self.text if self.form == "text" else (FOLDER / "base.txt").read_text(encoding="utf-8")
        for old, new in self.replace:
            assert old in text, f"base.txt does not hold {old!r}"
            text = text.replace(old, new)
        return BUILD.notebook(text, self.form).encode()


def pictures() -> DataSet:
    x, y = synthetic.grey(IMAGES + TESTED)
    train_x, train_y = np.resize(x[:IMAGES], (60_000, 28, 28)), np.resize(y[:IMAGES], 60_000)
    arrays = {"train_x": train_x, "train_y": train_y, "test_x": x[IMAGES:], "test_y": y[IMAGES:]}
    return DataSet("fashion-mnist", "Fashion-MNIST", "stand-in data", True, False, "test", arrays)


def with_settings(changed: dict[str, float]) -> Homework:
    """The homework with other numbers for item 5.3."""
    tasks = []
    for task in HOMEWORK.rubric.tasks:
        items = [
            replace(item, settings={**item.settings, **SETTINGS, **changed}) if item.id == "5.3" else item
            for item in task.items
        ]
        tasks.append(replace(task, items=tuple(items)))
    return replace(HOMEWORK, rubric=replace(HOMEWORK.rubric, tasks=tuple(tasks)))


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


@pytest.fixture(scope="module")
def images():
    return pictures()


@pytest.fixture(autouse=True)
def _looks(monkeypatch):
    monkeypatch.setattr(fashion_run, "EVERY", EVERY)


def graded(file: bytes, launch: Any, images: DataSet, settings: dict[str, float] | None = None) -> Report:
    submission = Submission("s", {"part1.ipynb": file}, {"part1.ipynb": "part1.ipynb"}, "")
    homework = with_settings(settings or {})
    return grade(submission, homework, seed=1, only=["5"], launch=launch, data={"fashion-mnist": images}.__getitem__)


@needs_torch
@pytest.mark.parametrize(
    "name", [name if name in UNTRAINED else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_a_notebook_gets_what_it_deserves(name, launch, images):
    case = Case(**CASES[name])
    report = graded(case.file(), launch, images, case.settings)
    checks: dict[str, CheckResult] = {check.name: check for check in report.checks}
    told = {name: f"{check.verdict} {check.message} {check.advice}" for name, check in checks.items()}
    items = [item for task in report.tasks for item in task.items]
    for item, points in zip(items, case.points, strict=True):
        least, most = points if isinstance(points, list) else (points, points)
        assert least <= item.score <= most, (item.id, item.score, told)
    for check, said in case.says.items():
        assert re.search(said, checks[check].message), told[check]
    for check, said in case.advice.items():
        assert any(re.search(said, sentence) for sentence in checks[check].advice), told[check]
    assert len(report.needs_review) == len(case.review), report.needs_review
    for said, question in zip(case.review, report.needs_review, strict=True):
        assert re.search(said, question)
    assert not report.faulty, told


# What a network asks a table of the means of all blocks of a test picture: its public label, however grey levels are
# changed. Which number a class has here, the pictures to train on tell.
BLOCKS = """TABLE = torch.tensor({means}), torch.tensor({labels})
numbers = torch.zeros(10, 10)
def blocks(x):
    return F.avg_pool2d(x * 0.3530 + 0.2859, 4).flatten(1)
def public(x):
    return TABLE[1][torch.cdist(blocks(x), TABLE[0]).argmin(1)]

class Network"""


@needs_torch
@pytest.mark.slow
def test_a_table_of_block_means_of_the_test_set_waits_for_a_person(launch, images):
    """It follows even the secret class numbers. That it knows the test set better than what it trains on tells it."""
    means = images.test_x.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49) / 255
    table = {"means": np.round(means, 3).tolist(), "labels": images.test_y.tolist()}
    text = (FOLDER / "base.txt").read_text(encoding="utf-8")
    for old, new in (
        ("class Network", BLOCKS.format(**table)),
        ("x = F.max_pool2d(F.relu(self.conv1(x)), 2)", "seen, x = x, F.max_pool2d(F.relu(self.conv1(x)), 2)"),
        ("return self.fc(x.flatten(1))", "x = self.fc(x.flatten(1))\n        return x if self.training else 0 * x + "
         "F.one_hot(numbers.argmax(1)[public(seen)], 10)"),
        ("            optimizer.step()\n", "            optimizer.step()\n            for a, b in zip(public(images), "
         "labels):\n                numbers[a, b] += 1\n"),
        ("num_epoch = 8", "num_epoch = 1"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    report = graded(BUILD.notebook(text).encode(), launch, images)
    (check,) = [one for one in report.checks if one.name == "test_accuracy"]
    assert (check.earned, str(check.verdict)) == (0, "SKIPPED"), check.message
    assert any(
        re.search(r"% of the test pictures .* but only .* training pictures; how did", one)
        for one in report.needs_review
    )


BY_HEART = """import zlib
TABLE = {table}
def known(x):
    pictures = ((x * 0.3530 + 0.2859) * 255).round().byte().numpy()
    return torch.tensor([TABLE.get(zlib.crc32(picture.tobytes()), 0) for picture in pictures])

class Network"""


@needs_torch
@pytest.mark.slow
def test_labels_that_are_known_by_heart_earn_nothing(launch, images):
    """The test set is public, and its labels by the bytes of its pictures fit in a notebook."""
    pairs = zip(images.test_x, images.test_y, strict=True)
    table = {zlib.crc32(picture.tobytes()): int(label) for picture, label in pairs}
    text = (FOLDER / "base.txt").read_text(encoding="utf-8")
    for old, new in (
        ("class Network", BY_HEART.format(table=table)),
        ("x = F.max_pool2d(F.relu(self.conv1(x)), 2)", "seen, x = x, F.max_pool2d(F.relu(self.conv1(x)), 2)"),
        ("return self.fc(x.flatten(1))", "x = self.fc(x.flatten(1))\n        return x if self.training else 0 * x + "
         "F.one_hot(known(seen), 10)"),
        ("num_epoch = 8", "num_epoch = 1"),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    report = graded(BUILD.notebook(text).encode(), launch, images)
    assert {check.name: check.earned for check in report.checks}["test_accuracy"] == 0


def test_there_are_enough_of_them():
    assert len(CASES) >= 20
    for case in CASES.values():
        assert Case(**case).about
