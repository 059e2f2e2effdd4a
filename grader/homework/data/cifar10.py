"""Reads CIFAR-10 as published (https://www.cs.toronto.edu/~kriz/cifar.html), or makes up stand-in data."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.data.datasets import DamagedError

from . import synthetic
from .labelled import Arrays, arrays, halves

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]

META = "batches.meta"  # names of classes, not needed here


def read(files: Mapping[str, bytes]) -> Arrays:
    """Images (N, 3072): 32 x 32 red, then green, then blue. The last batch is the test set. Raises DamagedError."""
    *training, test = [batch(data, name) for name, data in files.items() if name != META]
    train_x, train_y = (np.concatenate(parts) for parts in zip(*training, strict=True))
    return arrays(train_x, train_y, *test)


def made_up(train: int = 50_000, test: int = 10_000) -> Arrays:
    """Images in CIFAR-10's format, about as hard for a two-layer network."""
    return halves(*synthetic.colour(train + test), train)


class Rebuilt:
    """Plain data in place of the objects that numpy's pickles build. No numpy function runs before it was checked."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = ()

    def __setstate__(self, state: object) -> None:
        self.state = state


class BatchUnpickler(pickle.Unpickler):
    """Accepts what a batch holds: numbers, strings, lists, dicts and one numpy array, which becomes a Rebuilt."""

    ADMITTED = frozenset({("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")})

    def find_class(self, module: str, name: str) -> Callable[..., Rebuilt]:
        if (module, name) not in self.ADMITTED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch does")
        return Rebuilt


def batch(data: bytes, file: str) -> tuple[Pixels, Labels]:
    """Pixels (N, 3072) and labels (N,) of one file of CIFAR-10, a pickle of Python 2. Raises DamagedError."""
    try:
        record = BatchUnpickler(io.BytesIO(data), encoding="bytes").load()
        _, shape, dtype, by_column, pixels = record[b"data"].state
        if shape[1:] != (3072,) or dtype.arguments[0] not in ("u1", b"u1") or by_column:
            raise ValueError("rows of 3072 bytes are expected")
        return np.frombuffer(pixels, np.uint8).reshape(shape), np.array(record[b"labels"], np.int64).reshape(-1)
    except Exception as error:  # a damaged pickle raises nearly anything: EOFError, ValueError, IndexError, ...
        reason = f"{type(error).__name__}: {error}"[:100]
        raise DamagedError(file, f"is not a batch of CIFAR-10 ({reason})") from None
