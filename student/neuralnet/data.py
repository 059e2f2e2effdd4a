"""CIFAR-10, and batches of it."""

import pickle
import warnings
from pathlib import Path

import numpy as np

TRAIN_FILES = [f"data_batch_{i}" for i in range(1, 6)]
TEST_FILES = ["test_batch"]


def load_cifar10(data_dir="cifar-10-batches-py", num_train=10000, num_val=5000, num_test=10000, seed=442):
    """Read the official "Python version" of CIFAR-10, which download_cifar.sh fetches.

    Inputs:
    - data_dir: folder with data_batch_1 ... data_batch_5 and test_batch
    - num_train, num_val: images for training and validation, drawn without overlap from the 50,000
    - num_test: images of the test set, from its start
    - seed: of that draw; the same seed gives the same images

    Returns: X_train, y_train, X_val, y_val, X_test, y_test
    - X: (N, 3072) float32 in [0, 1]; 32 x 32 red, then green, then blue
    - y: (N,) int64 in 0 ... 9

    Raises FileNotFoundError or ValueError with a sentence that says what to do.
    """
    X, y = read_batches(Path(data_dir), TRAIN_FILES)
    X_test, y_test = read_batches(Path(data_dir), TEST_FILES)
    if num_train + num_val > len(X):
        raise ValueError(f"{num_train} + {num_val} images asked for, but {data_dir} holds {len(X)}: lower num_train.")
    order = np.random.default_rng(seed).permutation(len(X))
    train, val = order[:num_train], order[num_train : num_train + num_val]
    test = slice(0, num_test)
    return scaled(X[train]), y[train], scaled(X[val]), y[val], scaled(X_test[test]), y_test[test]


def read_batches(folder, names):
    """All images (N, 3072) uint8 and labels (N,) int64 of some files, in order."""
    batches = []
    for name in names:
        path = folder / name
        if not path.is_file():
            raise FileNotFoundError(
                f"{path} is not here: run `bash download_cifar.sh`, or name its folder with --data-dir."
            )
        with path.open("rb") as file, warnings.catch_warnings():
            # The files were written by Python 2 and an old numpy, in a way that newer ones warn about.
            warnings.filterwarnings("ignore", message=".*align should be passed")
            batches.append(pickle.load(file, encoding="latin1"))
    X = np.concatenate([batch["data"] for batch in batches])
    y = np.concatenate([np.asarray(batch["labels"], dtype=np.int64) for batch in batches])
    return X, y


def scaled(X):
    """Bytes to float32 in [0, 1]."""
    return X.astype(np.float32) / 255


class DataSampler:
    """Batches of a data set, in a new random order each time it is iterated."""

    def __init__(self, X, y, batch_size):
        self.X, self.y, self.batch_size = X, y, batch_size

    def __len__(self):
        """Full batches in the data; iterating gives one more, shorter batch where some images are left over."""
        return len(self.X) // self.batch_size

    def __iter__(self):
        order = np.random.permutation(len(self.X))
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            yield self.X[batch], self.y[batch]
