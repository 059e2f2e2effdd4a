"""What Tasks 4 and 5 draw of a training run and read off its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

TRAINING = "the training run"  # what sentences call it
POINTS = 400  # of the loss curve that is drawn
CHANCE = 0.15  # ten classes: what a network that has learned nothing stays below
NEAR = 0.02  # below its bar by no more than this, a run is repeated once
FALLEN = 0.02  # of itself: by how much a loss has to fall to have fallen


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
    """Whether a loss was clearly lower in one part of a run than in another; neither is empty, or it was not."""
    return bool(len(before) and len(after) and np.mean(after) < (1 - FALLEN) * np.mean(before))


def falling(losses: Sequence[float], parts: int) -> bool:
    """Whether the last of so many parts of a run was clearly below the part before."""
    part = len(losses) // parts
    return part > 0 and fell(losses[-2 * part : -part], losses[-part:])
