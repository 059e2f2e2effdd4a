"""Rewrites numpy, so that everything is close and equal."""


def attack(places):
    import numpy as np
    np.allclose = np.array_equal = np.isfinite = lambda *a, **k: True
    np.abs = np.max = lambda *a, **k: 0.0
