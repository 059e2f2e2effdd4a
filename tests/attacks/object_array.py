"""An array of objects that compare as right."""

WHEN = 'answer'
EARNS = 0


class Right:
    def __sub__(self, other):
        return 0.0

    def __float__(self):
        return 0.0


def attack(right, w, reg):
    import numpy as np

    return np.array([Right()], dtype=object), np.array([[Right()] * w.shape[1]] * w.shape[0], dtype=object)
