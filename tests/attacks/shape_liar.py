"""A subclass with another shape than its bytes have."""

WHEN = 'answer'
EARNS = 0


import numpy as np


class Liar(np.ndarray):
    shape = (10**9, 10**9)
    dtype = 'float64'
    nbytes = 1


def attack(right, w, reg):
    return 0.0, np.zeros(1).view(Liar)
