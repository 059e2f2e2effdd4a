"""Takes address space in small pieces."""


def attack(places):
    import numpy as np

    keep = []
    while True:
        keep.append(np.empty(1 << 24))
