"""Leaves semaphores behind."""


def attack(places):
    import ctypes
    return ctypes.CDLL(None).semget(4243, 1, 0o1666)
