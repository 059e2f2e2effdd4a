"""scikit-learn's train_test_split: the same parts for one random_state, every entry once, classes in proportion."""

from __future__ import annotations

import numpy as np
import pytest

from grader.sandbox.worker.split import train_test_split


@pytest.mark.parametrize(
    ("settings", "train", "test"),
    [
        ({}, 7, 3),
        ({"test_size": 0.2}, 8, 2),
        ({"test_size": 3}, 7, 3),
        ({"train_size": 0.55}, 5, 5),
        ({"train_size": 6}, 6, 4),
        ({"train_size": 4, "test_size": 0.25}, 4, 3),
        ({"test_size": np.int64(3), "shuffle": False}, 7, 3),
    ],
)
def test_sizes_are_counts_or_shares(settings, train, test):
    parts = train_test_split(np.arange(10), [f"{n}" for n in range(10)], random_state=1, **settings)
    assert [len(part) for part in parts] == [train, test, train, test]
    assert [str(n) for n in parts[0]] == parts[2]
    assert [str(n) for n in parts[1]] == parts[3]
    assert len({*parts[2], *parts[3]}) == train + test


def test_one_random_state_gives_the_parts_that_scikit_learn_gives():
    assert [part.tolist() for part in train_test_split(np.arange(10), random_state=42)] == [
        [0, 7, 2, 9, 4, 3, 6],
        [8, 1, 5],
    ]
    again = np.random.RandomState(42)
    assert train_test_split(range(10), random_state=again)[1] == [8, 1, 5]
    np.random.seed(42)
    assert train_test_split(range(10))[1] == [8, 1, 5]


def test_what_is_not_shuffled_stays_in_order():
    assert train_test_split(range(8), test_size=0.25, shuffle=False) == [[0, 1, 2, 3, 4, 5], [6, 7]]
    assert train_test_split(range(8), train_size=3, test_size=2, shuffle=False) == [[0, 1, 2], [3, 4]]


def test_classes_are_in_proportion():
    classes = np.repeat([0, 1, 2], [900, 90, 10])
    at, tested = train_test_split(np.arange(1000), test_size=0.2, train_size=0.5, stratify=classes, random_state=3)
    assert np.bincount(classes[tested]).tolist() == [180, 18, 2]
    assert np.bincount(classes[at]).tolist() == [450, 45, 5]
    assert len({*at, *tested}) == 700


@pytest.mark.medium
def test_tensors_and_data_frames_stay_what_they_are():
    torch = pytest.importorskip("torch")
    images, labels = torch.arange(20).reshape(10, 2), torch.arange(10) % 2
    X, X_val, y, y_val = train_test_split(images, labels, test_size=0.4, stratify=labels)
    assert X.shape == (6, 2)
    assert torch.equal(X_val[:, 0] // 2 % 2, y_val)
    assert sorted(y.tolist()) == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("arrays", "settings", "said"),
    [
        ((), {}, "one length"),
        (([1, 2], [1, 2, 3]), {}, r"one length, and got lengths \[2, 3\]"),
        (([1, 2, 3],), {"test_size": 3}, "0 for training and 3 for testing of 3"),
        (([1, 2, 3],), {"test_size": 2, "train_size": 2}, "2 for training and 2 for testing of 3"),
    ],
)
def test_sizes_that_do_not_fit(arrays, settings, said):
    with pytest.raises(ValueError, match=said):
        train_test_split(*arrays, **settings)
