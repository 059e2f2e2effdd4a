"""Queues a signal to another process."""


def attack(places):
    import ctypes
    return ctypes.CDLL(None).sigqueue(places['process'], 9, None)
