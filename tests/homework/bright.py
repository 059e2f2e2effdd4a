"""Images that a network learns within seconds, and the homework with short runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from grader.data.datasets import DataSet
from grader.homework.data import synthetic
from grader.model import Homework

SHINES = 307  # pixels that are bright in the images of one class alone
BRIGHT = np.pad(np.repeat(np.eye(10), SHINES, axis=1), ((0, 0), (0, 2)))  # (10, 3072), which ones


def quick(homework: Homework) -> Homework:
    """The homework with runs that stop as soon as they learn no more."""
    tasks = tuple(
        replace(task, items=tuple(replace(item, settings={**item.settings, "least": 1.0}) for item in task.items))
        for task in homework.rubric.tasks
    )
    return replace(homework, rubric=replace(homework.rubric, tasks=tasks))


def made_up(wrong: float = 0.0) -> DataSet:
    """Images of ten classes, each bright where no other is. A share of the labels is wrong: no network knows which."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=6000)
    x = 150 * BRIGHT[y] + rng.normal(scale=30, size=(6000, 3072))
    y = np.where(rng.random(6000) < wrong, rng.integers(10, size=6000), y)
    arrays = {"train_x": x.clip(0, 255).astype(np.uint8), "train_y": y}
    return DataSet("cifar10", "CIFAR-10", "made up", True, False, f"{wrong}", arrays)


def few_greys() -> DataSet:
    """The stand-in for Fashion-MNIST with 6,000 training pictures, which come ten times, and 1,000 others."""
    x, y = synthetic.grey(7000)
    arrays = {"train_x": np.resize(x[:6000], (60_000, 28, 28)), "train_y": np.resize(y[:6000], 60_000),
              "test_x": x[6000:], "test_y": y[6000:]}  # fmt: skip
    return DataSet("fashion-mnist", "Fashion-MNIST", "made up", True, False, "grey", arrays)
