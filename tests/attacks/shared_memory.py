"""Leaves shared memory behind."""


def attack(places):
    import ctypes
    return ctypes.CDLL(None).shmget(4242, 1 << 20, 0o1666)
