"""Prints its own environment."""


def attack(places):
    import os, ctypes
    return dict(os.environ), ctypes.CDLL(None).getenv(b'BACKGRADE_SECRET')
