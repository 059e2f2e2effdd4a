"""The common form of both data sets: images and labels, for training and for testing."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from grader.data.datasets import DamagedError

CLASSES = 10
Arrays = dict[str, NDArray[Any]]


def arrays(*parts: NDArray[Any]) -> Arrays:
    """train_x, train_y, test_x and test_y by name.

    Images are uint8: (N, 3072) for CIFAR-10, (N, 28, 28) for Fashion-MNIST. Labels are int64 (N,) in 0 ... 9. Raises
    DamagedError if the labels do not fit the images.
    """
    found = dict(zip(("train_x", "train_y", "test_x", "test_y"), parts, strict=True))
    for x, y in ((found["train_x"], found["train_y"]), (found["test_x"], found["test_y"])):
        if not len(x) == len(y) > 0 or y.min() < 0 or y.max() >= CLASSES:
            raise DamagedError("", "does not hold one label in 0 ... 9 for each image")
    return found


def halves(x: NDArray[Any], y: NDArray[Any], train: int) -> Arrays:
    """Made-up images: the first `train` of them for training, the others for testing."""
    return arrays(x[:train], y[:train], x[train:], y[train:])
