"""What a machine's speed does to the points of Task 5: nothing. Ten networks at full, half and a quarter of the speed.

    python tests/benchmarks/speed.py [--data-root FOLDER] [--speed 1 --speed 2 --speed 4] [--network NAME] [--markdown]

A machine that is K times slower uses K CPU seconds where this one uses one. So every limit in CPU seconds is divided by
K, and nothing else is changed. Exits with 1 where the points of a network differ, or where the looks at how well it
does took more than 5 % of the budget.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.homework.notebooks import fashion_run  # noqa: E402
from grader.homework.training import loop  # noqa: E402
from grader.loading import load  # noqa: E402
from grader.model import Homework, Report, Submission  # noqa: E402
from grader.sandbox import session  # noqa: E402

NOTEBOOKS = ROOT / "tests" / "submissions" / "notebooks"
WHOLE = [
    ("range(4000)", "range(50000)"),
    ("range(50000, 50500)", "range(50000, 60000)"),
    ("batch_size = 32", "batch_size = 64"),
]
SGD = ("optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay)",
       "optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)")  # fmt: skip
CONV1, CONV2 = "self.conv1 = nn.Conv2d(1, 8, 3, padding=1)", "self.conv2 = nn.Conv2d(8, 16, 3, padding=1)"
LAST, FIRST_USE = "self.fc = nn.Linear(16 * 7 * 7, 10)", "x = F.max_pool2d(F.relu(self.conv1(x)), 2)"
FORWARD = (
    f"        {FIRST_USE}\n        x = F.max_pool2d(F.relu(self.conv2(x)), 2)\n        return self.fc(x.flatten(1))"
)
EVALUATE = "        val_acc_hist.append(evaluate(model, valloader))"

NETWORKS: dict[str, list[tuple[str, str]]] = {
    "two convolutions, Adam": [],
    "LeNet-5, SGD": [
        (CONV1, "self.conv1 = nn.Conv2d(1, 6, 5, padding=2)"),
        (CONV2, "self.conv2 = nn.Conv2d(6, 16, 5)"),
        (LAST, "self.fc = nn.Sequential(nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), "
               "nn.Linear(84, 10))"),
        (FORWARD, "        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)\n"
                  "        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2)\n        return self.fc(x.flatten(1))"),
        ("learning_rate = 3e-3", "learning_rate = 0.01"),
        SGD,
    ],
    "batch normalization": [
        (CONV1, "self.conv1 = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8))"),
        (CONV2, "self.conv2 = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16))"),
    ],
    "dropout, 32 and 64 channels": [
        (CONV1, "self.conv1 = nn.Conv2d(1, 32, 3, padding=1)"),
        (CONV2, "self.conv2 = nn.Conv2d(32, 64, 3, padding=1)"),
        (LAST, "self.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))"),
        ("learning_rate = 3e-3", "learning_rate = 1e-3"),
    ],
    "a slow VGG": [
        (CONV1, "self.conv1 = nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), nn.ReLU(), "
                "nn.Conv2d(24, 24, 3, padding=1))"),
        (CONV2, "self.conv2 = nn.Sequential(nn.Conv2d(24, 48, 3, padding=1), nn.ReLU(), "
                "nn.Conv2d(48, 48, 3, padding=1))"),
        (LAST, "self.fc = nn.Sequential(nn.Linear(48 * 7 * 7, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 10))"),
        ("learning_rate = 3e-3", "learning_rate = 1e-3"),
    ],
    "ResNet-10": [
        (CONV1, "self.net = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], "
                "num_classes=10)"),
        (CONV2, "self.net.conv1 = nn.Conv2d(1, 64, 3, padding=1, bias=False)"),
        (LAST, "self.net.maxpool = nn.MaxPool2d(4)"),
        (FORWARD, "        return self.net(x)"),
        ("learning_rate = 3e-3", "learning_rate = 1e-3"),
    ],
    "SGD, a small learning rate": [("learning_rate = 3e-3", "learning_rate = 2e-3"), SGD],
    "evaluates on the whole training set": [
        (EVALUATE, EVALUATE + "\n        trn_acc_hist[-1] = evaluate(model, trainloader)"),
        ("learning_rate = 3e-3", "learning_rate = 3e-4"),
    ],
    "mirrored and cropped pictures": [
        ("transform = T.Compose([T.T", "train_transform = T.Compose([T.RandomHorizontalFlip(), "
         "T.RandomCrop(28, padding=2), T.ToTensor(), T.Normalize([0.2859], [0.3530])])\ntransform = T.Compose([T.T"),
        ("train=True, transform=transform", "train=True, transform=train_transform"),
        ("learning_rate = 3e-3", "learning_rate = 1e-3"),
    ],
    "too small for the full bar": [
        (CONV1, "self.conv1 = nn.Conv2d(1, 1, 3, padding=1)"),
        (CONV2, "self.conv2 = nn.Conv2d(1, 2, 3, padding=1)"),
        (LAST, "self.fc = nn.Linear(2 * 7 * 7, 10)"),
        ("num_epoch = 8", "num_epoch = 3"),
        ("learning_rate = 3e-3", "learning_rate = 1e-3"),
        ("Evaluation accuracy: 0.8702", "Evaluation accuracy: 0.8002"),
    ],
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--speed", type=float, action="append", help="how many times slower; 1, 2 and 4 if not given")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="all ten if not given")
    given = parser.parse_args()
    homework, fair = load(ROOT / "grader" / "homework"), True
    slower = given.speed or [1.0, 2.0, 4.0]
    print(
        "| network | "
        + " | ".join(f"1/{k:g}x" if k != 1 else "1x" for k in slower)
        + " | CPU seconds | looks, of the budget |"
    )
    print("| --- |" + " --- |" * (len(slower) + 2))
    for name in given.network or NETWORKS:
        points, spent, looks = [], 0.0, 0.0
        for k in slower:
            run = Recorded()
            with slowed(k), run.recording():
                report = graded(name, slow(homework, k), given.data_root)
            points.append(shown(report))
            spent, looks = max(spent, run.cpu), max(looks, run.looking / run.budget)
            print(f"{name} {k:g}: {points[-1]} {run.cpu:.0f} s {run.said(report)}", file=sys.stderr, flush=True)
        fair = fair and len(set(points)) == 1 and looks <= loop.LOOKING
        print(f"| {name} | {' | '.join(points)} | {spent:.0f} | {looks:.1%} |", flush=True)
    return int(not fair)


class Recorded:
    """What the runs of one report used."""

    def __init__(self) -> None:
        self.cpu = self.looking = self.budget = 0.0

    @contextmanager
    def recording(self) -> Iterator[None]:
        train = loop.train

        def recorded(hw: Any, learner: Any, budget: float) -> None:
            train(hw, learner, budget)
            self.cpu += learner.outcome.cpu
            self.looking += learner.outcome.looking
            self.budget += budget

        loop.train = recorded
        try:
            yield
        finally:
            loop.train = train

    def said(self, report: Report) -> str:
        (check,) = (check for check in report.checks if check.name == "test_accuracy")
        return f"{check.message} {report.needs_review} {[figure.data['caption'] for figure in check.figures[:1]]}"


def shown(report: Report) -> str:
    """The points of Task 5, and those that wait for a person."""
    waiting = f" ({report.skipped:g} wait)" if report.skipped else ""
    return f"{report.score:.2f}{waiting}"


@contextmanager
def slowed(k: float) -> Iterator[None]:
    """Every limit in CPU seconds that a training run meets, divided by `k`. The test set is in one order at every
    speed, so that nothing else differs."""
    names = [(loop, "SILENT"), (loop, "SLICE"), (fashion_run, "GLANCE_TIME"), (fashion_run, "JUDGE_TIME"),
             (session, "SETTING_UP")]  # fmt: skip
    kept = [(owner, name, getattr(owner, name)) for owner, name in names]
    for owner, name, value in kept:
        setattr(owner, name, value / k)
    drawn, fashion_run.os = fashion_run.os, SimpleNamespace(urandom=bytes)
    try:
        yield
    finally:
        fashion_run.os = drawn
        for owner, name, value in kept:
            setattr(owner, name, value)


def slow(homework: Homework, k: float) -> Homework:
    tasks = tuple(
        replace(
            task,
            items=tuple(
                replace(
                    item,
                    settings={name: value / k if name == "budget" else value for name, value in item.settings.items()},
                )
                for item in task.items
            ),
        )
        for task in homework.rubric.tasks
    )
    limits = replace(homework.rubric.limits, call_cpu=homework.rubric.limits.call_cpu / k)
    return replace(homework, rubric=replace(homework.rubric, tasks=tasks, limits=limits))


def graded(name: str, homework: Homework, root: Path | None) -> Report:
    text = (NOTEBOOKS / "base.txt").read_text(encoding="utf-8")
    for old, new in [*WHOLE, *NETWORKS[name]]:
        assert old in text, (name, old)
        text = text.replace(old, new)
    file = notebook(text).encode()
    submission = Submission(name, {"part1.ipynb": file}, {"part1.ipynb": "part1.ipynb"}, "")
    where = datasets.root(root)
    return grade(submission, homework, seed=1, only=["5"], data=lambda name: datasets.read(homework, name, where))


def notebook(text: str) -> str:
    spec = importlib.util.spec_from_file_location("build", ROOT / "tests" / "notebooks" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.notebook(text))


if __name__ == "__main__":
    sys.exit(main())
