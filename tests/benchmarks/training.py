"""What the harness costs: a training run through a student's process against the bare loop on the same work.

    python tests/benchmarks/training.py [--data-root FOLDER] [--unverified] [--rounds 3] [--epochs 6]

Both train the reference's best model on the same images for as many epochs, and predict the same images after each. CPU
seconds are those of all processes involved, on one thread; what is shown is the best of the rounds, taken in turn.
Exits with 1 where the harness costs more than 1.10 times the bare loop.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "reference" / "neuralnet")]
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # before numpy is imported

import numpy as np  # noqa: E402

from grader.data import datasets  # noqa: E402
from grader.grading import grade  # noqa: E402
from grader.homework.training import hyperparameters  # noqa: E402
from grader.homework.training.two_layer_run import GLANCE, JUDGED, SPLIT_SEED  # noqa: E402
from grader.loading import OWN, load  # noqa: E402
from grader.model import CheckResult, Homework, Submission  # noqa: E402

MOST = 1.10
NEURALNET = ROOT / "reference" / "neuralnet"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--unverified", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    given = parser.parse_args()
    images = datasets.read(load(OWN), "cifar10", datasets.root(given.data_root), unverified=given.unverified)
    homework = endless(load(ROOT / "grader" / "homework"))
    best = {"bare loop": float("inf"), "harness": float("inf")}
    for _ in range(given.rounds):
        for name, run in (("bare loop", bare), ("harness", partial(harness, homework))):
            began = seconds()
            run(images, given.epochs)
            taken = seconds() - began
            print(f"{name:10}{taken:8.2f} CPU s", file=sys.stderr)
            best[name] = min(best[name], taken)
    ratio = best["harness"] / best["bare loop"]
    print(f"{images.source}; {settings()}; {given.epochs} epochs; best of {given.rounds}")
    for name, taken in best.items():
        print(f"{name:10}{taken:8.2f} CPU s{taken / best['bare loop']:8.3f} x bare")
    return int(ratio > MOST)


def settings() -> dict[str, Any]:
    return dict(hyperparameters.read((NEURALNET / "train.py").read_bytes()).best.values)


def seconds() -> float:
    """CPU seconds of this process and of those it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def bare(images: Any, epochs: int) -> None:
    """The handout's loop as a student would run it, with nothing around it."""
    from data import DataSampler, scaled
    from optim import SGD
    from train import training_step
    from two_layer_net import TwoLayerNet

    given = settings()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images.train_x))
    count = min(given["num_train"], len(order) - JUDGED)
    X, y = scaled(images.train_x[order[:count]]), images.train_y[order[:count]]
    validation = scaled(images.train_x[order[count : count + JUDGED]])
    model = TwoLayerNet(hidden_dim=given["hidden_dim"])
    optimizer = SGD(model.parameters(), given["learning_rate"])
    for _ in range(epochs):
        for X_batch, y_batch in DataSampler(X, y, given["batch_size"]):
            _, grads = training_step(model, X_batch, y_batch, given["reg"])
            optimizer.step(grads)
        for watched in (validation, X[:GLANCE]):
            for start in range(0, len(watched), given["batch_size"]):
                model.predict(watched[start : start + given["batch_size"]])


def endless(homework: Homework) -> Homework:
    """The homework with a bar that no epoch clears and a budget that none uses up."""
    tasks = tuple(
        replace(
            task,
            items=tuple(
                replace(item, settings={**item.settings, "accuracy": 1.0, "budget": 1000.0, "least": 1e12})
                for item in task.items
            ),
        )
        for task in homework.rubric.tasks
    )
    return replace(homework, rubric=replace(homework.rubric, tasks=tasks))


def harness(homework: Homework, images: Any, epochs: int) -> None:
    """The same as item 4.2 is graded: a process for the student, its sampler and optimizer, scores made here."""
    source = (NEURALNET / "train.py").read_text(encoding="utf-8")
    source = source.replace(f"num_epochs = {settings()['num_epochs']}", f"num_epochs = {epochs}")
    files = {name: (NEURALNET / name).read_bytes() for name in ("layers.py", "two_layer_net.py")}
    submission = Submission("reference", files | {"train.py": source.encode()}, {}, "")
    results: list[CheckResult] = []
    grade(submission, homework, seed=1, only=["4.2"], data=lambda name: images, full=True, on_result=results.append)
    assert len(results[0].figures[0].data["epochs"]) == epochs, results


if __name__ == "__main__":
    sys.exit(main())
