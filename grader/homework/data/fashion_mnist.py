"""Reads Fashion-MNIST as Zalando publishes it, or makes up stand-in data."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from grader.data.datasets import DamagedError

from . import synthetic
from .labelled import Arrays, arrays, halves

SHAPE = (28, 28)


def read(files: Mapping[str, bytes]) -> Arrays:
    """Images (N, 28, 28). Raises DamagedError."""
    return arrays(
        *(
            idx(data, name, SHAPE) if "images" in name else idx(data, name, ()).astype(np.int64)
            for name, data in files.items()
        )
    )


def made_up(train: int = 60_000, test: int = 10_000) -> Arrays:
    """Images in Fashion-MNIST's format, about as easy for a small convolutional network."""
    return halves(*synthetic.grey(train + test), train)


def idx(data: bytes, file: str, one: tuple[int, ...]) -> NDArray[np.uint8]:
    """The items, each of shape `one`, in an idx file of bytes (http://yann.lecun.com/exdb/mnist). The format: two
    zeros, 8, the number of axes, their lengths (big-endian), then the values. Raises DamagedError."""
    head = 4 + 4 * (1 + len(one))
    lengths = tuple(int(length) for length in np.frombuffer(data[4:head], ">u4")) if len(data) >= head else ()
    if data[:4] != bytes((0, 0, 8, 1 + len(one))) or lengths[1:] != one or len(data) != head + math.prod(lengths):
        raise DamagedError(file, f"is not an idx file of {'x'.join(map(str, ('N', *one)))} bytes")
    return np.frombuffer(data, np.uint8, offset=head).reshape(lengths)
