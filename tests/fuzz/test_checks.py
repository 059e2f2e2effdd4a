"""Every check, with anything at all for an answer: the student's fault or a score, never one of ours.

    BACKGRADE_FUZZ=900 python -m pytest tests/fuzz/test_checks.py

Calls get values of the closed set of the wire. Training runs get replies of the right form with one part replaced,
because random ones would never get past the first look.
"""

from __future__ import annotations

import io
import json
import math
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from rich.console import Console

from grader.check import Options, Subject
from grader.errors import Crashed
from grader.grading import item_result
from grader.homework.notebooks import imagenet
from grader.loading import ROOT, load
from grader.model import Item, Provenance, Report, Section, Submission, TaskResult, Verdict
from grader.report import html, text
from grader.report import json as json_report
from grader.sandbox.allowance import Allowance
from grader.sandbox.asked import Asked
from grader.sandbox.driven import Driven
from grader.sandbox.remote import remote_to
from grader.sandbox.replies import arriving
from grader.sandbox.session import Session
from grader.sandbox.worker.wire import Handle
from grader.verdict import run_check

pytestmark = pytest.mark.medium

SECONDS = float(os.environ.get("BACKGRADE_FUZZ", "5"))
HOMEWORK = load(ROOT / "grader" / "homework")
FILES = {
    Path(path).name: path.read_bytes() for folder in ("backprop", "neuralnet", "") for path in
    sorted((ROOT / "reference" / folder).iterdir()) if path.suffix in (".py", ".ipynb", ".jpg")
}  # fmt: skip
RNG = np.random.default_rng(0)

NUMBERS = (True, 0, 1, -1, 3, 1 << 70, -(1 << 4000), 0.5, 1e-300, 1e300, math.nan, math.inf, -math.inf, 2j)
ARRAYS = (
    np.zeros(0), np.ones(3), np.array(True), np.ones((2, 2), np.int8), np.full(3, np.nan), np.array(2.5),
    np.arange(6.0).reshape(2, 3), np.array([1j]), np.array([1 << 62, -5]), np.full((3, 4), 1e308), np.array([10**9]),
)  # fmt: skip
TEXTS = ("", "denied", "\udc80\x1b[31m<b>", "x" * 5000, "id")
LEAVES = st.sampled_from((None, *NUMBERS, *ARRAYS, *TEXTS, b"x", Handle(7, "Net<b>")))
VALUE = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, min_size=1, max_size=6).map(tuple)
        | st.dictionaries(st.sampled_from(("w", "b1", "W", "loss", "labels", "", 0, -(1 << 63))), inner, max_size=4)
    ),
    max_leaves=8,
)


def images(**arrays: Any) -> Any:
    shown = {"name": "data", "source": "a test's", "digest": "0", "verified": True, "stand_in": False}
    return SimpleNamespace(**shown, **arrays)


CIFAR = images(
    train_x=RNG.integers(256, size=(6000, 3072), dtype=np.uint8), train_y=RNG.integers(10, size=6000),
    test_x=np.zeros((10, 3072), np.uint8), test_y=np.zeros(10, int),
)  # fmt: skip
FASHION = images(
    train_x=RNG.integers(256, size=(900, 28, 28), dtype=np.uint8), train_y=RNG.integers(10, size=900),
    test_x=RNG.integers(256, size=(800, 28, 28), dtype=np.uint8), test_y=RNG.integers(10, size=800),
)  # fmt: skip


def right(name: str, arguments: tuple[Any, ...], count: int) -> Any:
    """What an honest process would say when a run is asked for `name` for the `count`-th time."""
    if name in ("advance", "judge"):
        return {
            "losses": np.array([2.3, 2.2]), "epoch": True, "ended": count > 1, "exploded": False, "wrote": ["X_batch"],
            "settings": {"learning_rate": 0.1, "num_epochs": 3, "batch_size": 10, "reg": 0.0, "hidden_dim": 5},
            "predictions": {"validation": np.zeros(1000, int), "training": np.zeros(1000, int)},
        }  # fmt: skip
    if name == "predict":
        most = min(int(arguments[1]), 800)
        return {"classes": np.ones(most, np.int64), "probabilities": np.full(most, 0.5, np.float32)}
    if name == "facts":
        return {
            "settings": {"learning_rate": 0.1, "batch_size": 64, "num_epoch": 3}, "optimizer": "SGD", "loss": "NLL",
            "chain": ["NllLoss", "LogSoftmax", "Softmax"], "backward": 3, "steps": 3, "in_eval": 3, "left_over": 2,
            "looks": 2, "network": "Net", "parameters": 3, "trainable": 3, "moody": ["Dropout"], "strange": False,
            "layers": [("fc", "Linear", (3, 4), 5)],
        }  # fmt: skip
    if name == "problems":
        return [(1, 2, "NameError")]
    if name == "seen":
        call = {"network": "SqueezeNet", "training": False, "spread": np.zeros(3), "scores": np.arange(1000.0)}
        return {"names": ["cat", "dog"], "calls": [call, call], "problems": [(1, 2, "x")]}
    if name == "parameters":
        shapes = {"w1": (3072, 5), "b1": (5,), "w2": (5, 10), "b2": (10,)}
        return {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    return None


def changed(value: Any, draw: Any) -> Any:
    """`value`, or with one of its parts replaced, or something else."""
    how = draw(st.integers(0, 3))
    if how == 0:
        return value
    if how == 1 or not isinstance(value, (dict, list, tuple)) or not value:
        return draw(VALUE)
    at = draw(st.sampled_from(list(value) if isinstance(value, dict) else range(len(value))))
    parts = value if isinstance(value, dict) else dict(enumerate(value))
    parts = {**parts, at: changed(parts[at], draw)}
    return parts if isinstance(value, dict) else type(value)(parts.values())


class Hostile(Session):
    """A session without a process: what a check is told comes from `draw`."""

    def __init__(self, section: Section, draw: Any) -> None:
        self.section, self.draw, self.counts = section, draw, {}
        self.submission = Submission("s", FILES, {}, "")
        self.limits, self.process, self.folder = HOMEWORK.rubric.limits, None, Path("nowhere")
        self.tried, self.hid, self.last_words, self.held, self.changed = [], [], "", "", {}
        self.told: set[str] = set()
        self.parts = None
        self.questions, self.remotes = 0, WeakValueDictionary()
        self.asked, self.allowance = Asked({}), Allowance(HOMEWORK.rubric.limits)

    def drive(self, name: str, order: Any, arrays: Any, *, subject: str, **more: Any) -> Driven:
        self.allow(1.0)
        self.ask("drive", Handle(0, name), (), [()])
        return Driven(self, Handle(99, "Run"), subject)

    def ask(self, op: str, owner: Any, path: Any, batches: Any, **options: Any) -> list[Any]:
        self.questions += 1
        if self.questions > 60:
            raise Crashed("asked too often for a test")
        if op == "drive":
            self.counts = {}
            return [remote_to(self, Handle(99, "Run"))]
        if isinstance(owner, Handle) and owner.id == 99:
            name = path[0]
            self.counts[name] = self.counts.get(name, 0) + 1
            if self.counts[name] > 3:
                raise Crashed("the run never ends")
            value = right(name, batches[0], self.counts[name])
            return [arriving(changed(value, self.draw), self.remote)]
        self.changed = self.draw(st.sampled_from(({}, {0: np.zeros(2)}, {7: "x", "y": None})))
        answers = len(batches) + len(options.get("then", ()))
        return [arriving(self.draw(VALUE), self.remote) for _ in range(answers)]


@pytest.fixture(autouse=True)
def _network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the grader's own network would say, without the network."""
    monkeypatch.setattr(imagenet, "scores", lambda weights, pixels: np.arange(1000.0))
    monkeypatch.setattr(imagenet, "labels", lambda: [f"class {number}" for number in range(1000)])


def items() -> list[tuple[Section, Item]]:
    """The items to try, with hardly any time for a run."""
    sections = {section.id: section for section in HOMEWORK.rubric.sections}
    return [(sections[task.section], item) for task in HOMEWORK.rubric.tasks for item in task.items if item.checks]


def graded(section: Section, item: Item, draw: Any) -> Report:
    session = Hostile(section, draw)
    options = Options({"cifar10": CIFAR, "fashion-mnist": FASHION, "squeezenet": Path("weights")}.__getitem__)
    results = {}
    for plan in item.checks:
        session.questions = 0
        results[plan.name] = run_check(plan, Subject(session, HOMEWORK, item, options), HOMEWORK, 1)
    task = next(task for task in HOMEWORK.rubric.tasks if item in task.items)
    graded_task = TaskResult(task.id, task.title, (item_result(item, results),))
    questions = tuple(question for result in results.values() for question in result.review)
    return Report("t", "s", "d", (graded_task,), questions, Provenance(1, {}, "r", "g", "f", "none"))


@pytest.mark.slow
@pytest.mark.parametrize(("section", "item"), items(), ids=lambda one: getattr(one, "id", ""))
def test_any_answer_is_judged_and_any_report_is_shown(section: Section, item: Item) -> None:
    @given(st.data())
    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def fuzz(data: Any) -> None:
        report = graded(section, item, data.draw)
        for check in report.checks:
            assert check.verdict is not Verdict.INTERNAL, check.message
            assert 0 <= check.earned <= check.points
        json.loads(json_report.render(report), parse_constant=lambda word: pytest.fail(f"{word} in the JSON"))
        html.render(report)
        Console(file=io.StringIO(), width=80).print(text.render(report))

    end, runs = time.monotonic() + SECONDS / len(items()), 0
    while time.monotonic() < end:
        seed(runs)(fuzz)()
        runs += 1
