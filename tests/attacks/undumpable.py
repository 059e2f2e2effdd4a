"""Hides itself from its watch."""


def attack(places):
    import ctypes, os
    if ctypes.CDLL(None, use_errno=True).prctl(4, 0, 0, 0, 0) == 0:
        os._exit(1)  # the lost points show that it worked
