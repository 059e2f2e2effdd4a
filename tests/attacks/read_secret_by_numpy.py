"""Maps a file with numpy."""


def attack(places):
    import numpy as np
    return np.memmap(places['secret'], mode='r').tobytes()
