"""Images made up in the format of a data set, so that networks can be trained where the data set is not.

Each image is a window of a large field of 1/f noise, which has the spectrum of natural images, plus one weak template
of its class. A class has several templates, and an image shows its own shifted, mirrored and now and then as a
negative, so that a linear classifier finds less than a hidden layer does. The strength is calibrated: a two-layer
network finds the colour images about as hard as CIFAR-10, as tests/benchmarks/standin.py shows side by side.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Images = tuple[NDArray[np.uint8], NDArray[np.int64]]

CLASSES = 10
FIELD = 1024  # pixels of the noise field, on each side
CHUNK = 1000  # images made at a time, which bounds the memory
# Red, green and blue of grey and of two opponent colours much weaker than it: the principal axes of natural colours.
COLOURS = np.array([[0.94, 0.30, 0.12], [0.94, 0.00, -0.24], [0.94, -0.30, 0.12]])
GREY = np.ones((1, 1))
SEED = 442


@cache
def colour(count: int, *, seed: int = SEED, strength: float = 0.47) -> Images:
    """CIFAR-10's format: images (count, 3072), 32 x 32 red, then green, then blue; pixels of mean 120, deviation 64."""
    rng = np.random.default_rng(seed)
    images, labels = made(count, rng, strength, 32, COLOURS, mean=120, contrast=71, templates=4, negative=0.05, reach=4)
    return images.reshape(count, -1), labels


@cache
def grey(count: int, *, seed: int = SEED, strength: float = 0.65) -> Images:
    """Fashion-MNIST's format: images (count, 28, 28); a small convolutional network finds them about as easy."""
    rng = np.random.default_rng(seed)
    images, labels = made(count, rng, strength, 28, GREY, mean=73, contrast=90, templates=1, negative=0.0, reach=2)
    return images[:, 0], labels


def made(
    count: int,
    rng: np.random.Generator,
    strength: float,
    side: int,
    colours: Array,
    *,
    mean: float,
    contrast: float,
    templates: int,
    negative: float,
    reach: int,
) -> Images:
    """Images (count, channels, side, side) uint8 and labels (count,) int64 in 0 ... 9, both read-only.

    `strength` is a template's standard deviation, the noise's being 1; `contrast` is theirs together, in
    pixel values; `templates` is how many a class has, `negative` the share of images that show theirs as a negative;
    `reach` how many pixels it moves at most.
    """
    fields = windows(noise(rng, FIELD, colours, fall=1.0), side)
    shapes = np.stack([views(noise(rng, side, colours, fall=1.5), reach) for _ in range(CLASSES * templates)])
    labels = rng.integers(CLASSES, size=count)
    images = np.empty((count, len(colours), side, side), np.uint8)
    for start in range(0, count, CHUNK):
        chosen = labels[start : start + CHUNK]
        size = len(chosen)
        # Two windows are added up, so that no two images share all of their noise.
        image = (cut(fields, rng, size) + cut(fields, rng, size)) * np.float32(0.5**0.5)
        sign = np.where(rng.random(size) < negative, -strength, strength).astype(np.float32)
        template = chosen * templates + rng.integers(templates, size=size)
        image += sign[:, None, None, None] * shapes[template, rng.integers(shapes.shape[1], size=size)]
        image *= np.float32(contrast / math.hypot(1, strength))
        images[start : start + size] = np.clip(image + np.float32(mean), 0, 255)
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


def noise(rng: np.random.Generator, side: int, colours: Array, *, fall: float) -> Array:
    """Periodic noise (channels, side, side) whose amplitude falls as frequency ** -fall; `colours` mix its planes."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = np.inf  # no constant part
    white = np.fft.rfft2(rng.standard_normal((colours.shape[1], side, side)))
    planes = np.fft.irfft2(white * frequency**-fall, s=(side, side))
    planes /= planes.std((1, 2), keepdims=True)
    return np.tensordot(colours, planes, 1).astype(np.float32)


def windows(field: Array, side: int) -> Array:
    """All windows (channels, FIELD, FIELD, side, side) of a periodic field, as a view."""
    field = np.pad(field, ((0, 0), (0, side - 1), (0, side - 1)), mode="wrap")
    return np.lib.stride_tricks.sliding_window_view(field, (side, side), (1, 2))


def cut(fields: Array, rng: np.random.Generator, count: int) -> Array:
    """Random windows (count, channels, side, side)."""
    row, column = rng.integers(FIELD, size=(2, count))
    return np.ascontiguousarray(fields[:, row, column].swapaxes(0, 1))


def views(template: Array, reach: int) -> Array:
    """A template in every other place within reach, as it is and mirrored: (places * 2, channels, side, side)."""
    shifts = range(-reach, reach + 1, 2)
    moved = [np.roll(template, shift, (1, 2)) for shift in product(shifts, shifts)]
    return np.stack([*moved, *(one[:, :, ::-1] for one in moved)])
