"""Which pictures show the same. Pixels are compared, not bytes: another size, format or brightness changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grader.similarity.rarity import COMMON
from grader.similarity.work import Picture

GRID = 24  # a picture is compared as so many rows and columns of slopes
ALIKE = 0.975  # least correlation of the slopes of two pictures that show the same; figures drawn alike reach 0.965


@dataclass(frozen=True, slots=True)
class Alike:
    """A picture of one and a picture of another that show the same; `count` is how many students have it."""

    left: str
    right: str
    count: int


def alike(each: Sequence[Sequence[Picture]], given: Sequence[Picture]) -> dict[tuple[int, int], list[Alike]]:
    """Pairs of students with their pictures that are alike, without those of the handout."""
    found: dict[tuple[int, int], list[Alike]] = {}
    for saved in (True, False):
        whose = [(who, one) for who, own in enumerate(each) for one in own if one.saved == saved]
        handed_out = [one for one in given if one.saved == saved]
        same = by_pixels(whose, handed_out) if saved else by_sight(whose, handed_out)
        for at, others in same.items():
            who, own = whose[at]
            count = len({who} | {whose[other][0] for other in others})
            if count > max(3, COMMON * len(each)):
                continue  # a picture that many have
            for other in others:
                if who < whose[other][0]:
                    pair = (who, whose[other][0])
                    found.setdefault(pair, []).append(Alike(own.name, whose[other][1].name, count))
    return found


Whose = Sequence[tuple[int, Picture]]


def by_pixels(whose: Whose, given: Sequence[Picture]) -> dict[int, list[int]]:
    """Saved pictures with the same pixels: plots resemble each other, but are the same only where the numbers are."""
    common = {one.digest for one in given}
    places: dict[str, list[int]] = {}
    for at, (_, one) in enumerate(whose):
        if one.digest not in common:
            places.setdefault(one.digest, []).append(at)
    return {at: group for group in places.values() for at in group if len(group) > 1}


def by_sight(whose: Whose, given: Sequence[Picture]) -> dict[int, list[int]]:
    """Photographs that show the same, also mirrored."""
    if not whose:
        return {}
    slopes = np.stack([slope(one.small) for _, one in whose])
    mirrored = np.stack([slope(one.small[:, ::-1]) for _, one in whose])
    free = np.ones(len(whose), bool)
    if given:
        handed_out = np.stack([slope(one.small) for one in given])
        free = (slopes @ handed_out.T).max(axis=1) < ALIKE
    found: dict[int, list[int]] = {}
    for at in np.flatnonzero(free):
        near = np.maximum(slopes @ slopes[at], mirrored @ slopes[at]) >= ALIKE
        if near.sum() > 1:
            found[int(at)] = np.flatnonzero(near & free).tolist()
    return found


def slope(small: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How a picture's brightness changes across it, along rows and columns: a vector of length 1."""
    from PIL import Image

    grey = Image.fromarray(np.ascontiguousarray(small)).convert("L").resize((GRID + 1, GRID + 1), Image.Resampling.BOX)
    values = np.asarray(grey, np.float32)
    both = np.concatenate([np.diff(values, axis=0)[:, :-1].ravel(), np.diff(values, axis=1)[:-1].ravel()])
    length = float(np.linalg.norm(both))
    return (both / length if length else both).astype(np.float32)
