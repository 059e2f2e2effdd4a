"""Makes up images in the format of a data set, so that networks can be trained where the data set is absent.

Each image is a window of a large field of 1/f noise, which has the spectrum of natural images, plus a weak template of
its class. A class has several templates. In an image the template is shifted, sometimes mirrored, and sometimes a
negative, so that a hidden layer does better than a linear classifier. Strength and negatives are calibrated: for a
linear classifier the colour images are harder than CIFAR-10, for a two-layer network somewhat easier, so that settings
which are right there are right here (tests/benchmarks/bars.py, and synthetic.py beside it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Images = tuple[NDArray[np.uint8], NDArray[np.int64]]

CLASSES = 10
FIELD = 1024  # pixels of the noise field, on each side
CHUNK = 1000  # images made at a time, to limit memory


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make images. `colours` mix planes of noise into channels; `mean` and `deviation` are those of the pixels.

    A class has a number of `templates`, each `strength` times as strong as the noise. An image shows one of them,
    shifted by up to `reach` pixels. In the share `negative` of all images, the template is a negative.
    """

    side: int
    colours: tuple[tuple[float, ...], ...]
    mean: float
    deviation: float
    templates: int
    strength: float
    reach: int
    negative: float


COLOUR = Recipe(
    side=32,
    # Red, green and blue as mixtures of grey and two weak opponent colours, the principal axes of natural colours.
    colours=((0.94, 0.30, 0.12), (0.94, 0.00, -0.24), (0.94, -0.30, 0.12)),
    mean=120,
    deviation=71,  # before clipping to 0 ... 255; 64 after clipping, as in CIFAR-10
    templates=4,
    strength=0.6,
    reach=4,
    negative=0.15,
)
GREY = Recipe(side=28, colours=((1.0,),), mean=73, deviation=90, templates=1, strength=0.65, reach=2, negative=0.0)


def colour(count: int, seed: int = 442) -> Images:
    """CIFAR-10's format: images (count, 3072), 32 x 32 red, then green, then blue."""
    images, labels = made(COLOUR, count, seed)
    return images.reshape(count, -1), labels


def grey(count: int, seed: int = 442) -> Images:
    """Fashion-MNIST's format: images (count, 28, 28), about as easy.

    Two small convolutions and a linear layer reach 91 % in one epoch of 60,000 (Adam, 3e-3); on the real data, 88 %.
    """
    images, labels = made(GREY, count, seed)
    return images[:, 0], labels


@cache
def made(recipe: Recipe, count: int, seed: int) -> Images:
    """Images (count, channels, side, side) and labels (count,) in 0 ... 9, read-only; equal for equal seeds."""
    rng = np.random.default_rng(seed)
    fields = windows(noise(rng, FIELD, recipe.colours, fall=1.0), recipe.side)
    shapes = np.stack([views(rng, recipe) for _ in range(CLASSES * recipe.templates)])
    labels = rng.integers(CLASSES, size=count)
    images = np.empty((count, *shapes.shape[2:]), np.uint8)
    for start in range(0, count, CHUNK):
        chosen = labels[start : start + CHUNK]
        size = len(chosen)
        # Each image adds two windows, so that no two images share all of their noise.
        image = (cut(fields, rng, size) + cut(fields, rng, size)) * np.float32(0.5**0.5)
        sign = np.where(rng.random(size) < recipe.negative, -recipe.strength, recipe.strength).astype(np.float32)
        template = chosen * recipe.templates + rng.integers(recipe.templates, size=size)
        image += sign[:, None, None, None] * shapes[template, rng.integers(shapes.shape[1], size=size)]
        image *= np.float32(recipe.deviation / math.hypot(1, recipe.strength))
        images[start : start + size] = np.clip(image + np.float32(recipe.mean), 0, 255)
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


def noise(rng: np.random.Generator, side: int, colours: tuple[tuple[float, ...], ...], *, fall: float) -> Array:
    """Periodic noise (channels, side, side) with an amplitude of frequency ** -fall; `colours` mix its planes."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = np.inf  # no constant part
    white = np.fft.rfft2(rng.standard_normal((len(colours[0]), side, side)))
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


def views(rng: np.random.Generator, recipe: Recipe) -> Array:
    """A template at every second shift within reach, plain and mirrored: (shifts * 2, channels, side, side)."""
    template = noise(rng, recipe.side, recipe.colours, fall=1.5)
    shifts = range(-recipe.reach, recipe.reach + 1, 2)
    moved = [np.roll(template, shift, (1, 2)) for shift in product(shifts, shifts)]
    return np.stack([*moved, *(one[:, :, ::-1] for one in moved)])
