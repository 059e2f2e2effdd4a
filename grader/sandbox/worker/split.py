"""Replaces scikit-learn's train_test_split, with which students set validation images aside, if it is not installed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def train_test_split(
    *arrays: Any,
    test_size: float | None = None,
    train_size: float | None = None,
    random_state: Any = None,
    shuffle: bool = True,
    stratify: Any = None,
) -> list[Any]:
    """The training part and the test part of each array, list or tensor; all have the same length N.

    Sizes are counts, or shares of N as floats. With `stratify`, both parts keep the proportions of the classes.
    Raises ValueError for arrays of different lengths and for sizes that do not fit.
    """
    counts = {len(array) for array in arrays}
    if len(counts) != 1:
        raise ValueError(f"train_test_split needs arrays of one length, and got lengths {sorted(counts)}")
    n = counts.pop()
    train, test = sizes(n, train_size, test_size)
    random: Any = np.random if random_state is None else random_state
    random = random if hasattr(random, "permutation") else np.random.RandomState(random)
    # The test part comes first, as in scikit-learn, so that a random_state gives the same parts.
    order = random.permutation(n) if shuffle else np.r_[train : train + test, :train]
    if stratify is not None:
        order = spread(order, np.asarray(stratify).reshape(n, -1)[:, 0])
    parts = order[test : test + train], order[:test]
    return [taken(array, part) for array in arrays for part in parts]


def sizes(n: int, train: float | None, test: float | None) -> tuple[int, int]:
    """The sizes of the training and the test part. A size that is not given is the rest; without both, test is 1/4."""
    if train is None and test is None:
        test = 0.25
    tested = math.ceil(test * n) if isinstance(test, float) else test
    trained = math.floor(train * n) if isinstance(train, float) else train
    tested = n - (trained or 0) if tested is None else tested
    trained = n - tested if trained is None else trained
    if min(trained, tested) < 1 or trained + tested > n:
        raise ValueError(f"train_test_split cannot make {trained} for training and {tested} for testing of {n}")
    return int(trained), int(tested)


def spread(order: Indices, classes: Any) -> Indices:
    """The same indices, reordered so that any stretch holds the classes (N,) in proportion. The sort key of an index is
    its position within its class, as a share of the class."""
    place = np.empty(len(order))
    for one in np.unique(classes):
        members = order[classes[order] == one]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return order[np.argsort(place[order], kind="stable")]


def taken(array: Any, at: Indices) -> Any:
    """The entries `at` of a data frame, array, tensor or list, selected as scikit-learn does."""
    if hasattr(array, "iloc"):
        return array.iloc[at]
    return array[at] if hasattr(array, "shape") else [array[index] for index in at.tolist()]
