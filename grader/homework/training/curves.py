"""Loss curves of Tasks 4 and 5: thinned for drawing, and whether a loss still falls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

TRAINING = "the training run"  # its name in sentences
POINTS = 400  # most points of a drawn loss curve
CHANCE = 0.15  # with ten classes, a network that has learned nothing stays below this accuracy
FALLEN = 0.02  # relative decrease from which on a loss counts as fallen


def thinned(losses: Sequence[float]) -> dict[str, Any]:
    """A loss curve of at most POINTS points, each the mean of the steps up to it."""
    values = np.array(losses)
    bins = np.array_split(np.arange(len(values)), min(len(values), POINTS)) if len(values) else []
    return {
        "steps": [int(part[-1]) + 1 for part in bins],
        "losses": [finite(values[part].mean()) for part in bins],
    }


def finite(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def fell(before: Sequence[float], after: Sequence[float]) -> bool:
    """Whether the loss was clearly lower in `after` than in `before`; False if either is empty."""
    return bool(len(before) and len(after) and np.mean(after) < (1 - FALLEN) * np.mean(before))


def falling(losses: Sequence[float], parts: int) -> bool:
    """Split a run into `parts`: whether the loss in the last part was clearly below that in the part before."""
    part = len(losses) // parts
    return part > 0 and fell(losses[-2 * part : -part], losses[-part:])
