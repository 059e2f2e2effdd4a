"""Images made up in the format of a data set, so that networks can be trained where the data set is not.

Each image is a window of a large field of 1/f noise, which has the spectrum of natural images, plus one weak template
of its class. A class has several templates, and an image shows its own shifted, mirrored and now and then as a
negative, so that a linear classifier finds less than a hidden layer does. The strength is calibrated: a two-layer
network finds the colour images about as hard as CIFAR-10, as tests/benchmarks/standin.py shows side by side.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Images = tuple[NDArray[np.uint8], NDArray[np.int64]]

CLASSES = 10
SIDE = 32  # pixels of a colour image
FIELD = 1024  # pixels of the noise field, on each side
CHUNK = 1000  # images made at a time: what fits a processor's cache several times over is no faster
SHIFTS = range(-4, 5, 2)  # pixels that a template moves by, in either direction
# Grey, and two opponent colours much weaker than it, in red, green and blue: the principal axes of natural colours.
COLOURS = np.array([[0.94, 0.30, 0.12], [0.94, 0.00, -0.24], [0.94, -0.30, 0.12]], np.float32)
MEAN, CONTRAST = 120, 64  # of a pixel; CIFAR-10 has 121 and 64


@cache
def colour(count: int, *, seed: int = 442, strength: float = 0.47, negative: float = 0.05, templates: int = 4) -> Images:
    """Images (count, 3072) uint8, 32 x 32 red, then green, then blue, and labels (count,) in 0 ... 9; read-only.

    `strength` is a template's standard deviation, the noise's being 1; `negative` the share of negatives; `templates`
    how many a class has. The same arguments give the same images.
    """
    rng = np.random.default_rng(seed)
    fields = windows(noise(rng, FIELD, fall=1.0))
    shapes = np.stack([views(noise(rng, SIDE, fall=1.5)) for _ in range(CLASSES * templates)])
    y = rng.integers(CLASSES, size=count)
    X = np.empty((count, 3 * SIDE * SIDE), np.uint8)
    for start in range(0, count, CHUNK):
        chosen = y[start : start + CHUNK]
        size = len(chosen)
        # Two windows are added up, so that no two images share all of their noise.
        image = (cut(fields, rng, size) + cut(fields, rng, size)) * np.float32(0.5**0.5)
        shape = shapes[
            chosen * templates + rng.integers(templates, size=size), rng.integers(shapes.shape[1], size=size)
        ]
        sign = np.where(rng.random(size) < negative, -strength, strength).astype(np.float32)
        image += sign[:, None] * shape
        X[start : start + size] = np.clip(image * np.float32(CONTRAST) + np.float32(MEAN), 0, 255)
    X.flags.writeable = y.flags.writeable = False
    return X, y


def noise(rng: np.random.Generator, side: int, *, fall: float) -> Array:
    """Colour noise (3, side, side) whose amplitude falls as frequency ** -fall; standard deviation 1, periodic."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = np.inf  # no constant part
    white = np.fft.rfft2(rng.standard_normal((3, side, side)))
    plain = np.fft.irfft2(white * frequency**-fall, s=(side, side))
    plain /= plain.std((1, 2), keepdims=True)
    return np.tensordot(COLOURS, plain, 1).astype(np.float32)


def windows(field: Array) -> Array:
    """All windows (3, side, side, 32, 32) of a periodic field, as a view."""
    field = np.pad(field, ((0, 0), (0, SIDE), (0, SIDE)), mode="wrap")
    return np.lib.stride_tricks.sliding_window_view(field, (SIDE, SIDE), (1, 2))


def cut(fields: Array, rng: np.random.Generator, count: int) -> Array:
    """Random windows (count, 3072)."""
    row, column = rng.integers(FIELD, size=(2, count))
    return fields[:, row, column].transpose(1, 0, 2, 3).reshape(count, -1)


def views(template: Array) -> Array:
    """A template (3, 32, 32) in every place, as it is and mirrored: (50, 3072)."""
    moved = [np.roll(template, shift, (1, 2)) for shift in product(SHIFTS, SHIFTS)]
    return np.stack([*moved, *(one[:, :, ::-1] for one in moved)]).reshape(-1, template.size)
