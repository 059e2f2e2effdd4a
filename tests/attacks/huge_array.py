"""An array that is larger than a frame."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    import numpy as np

    return 0.0, np.zeros(40_000_000)
