"""Jumps to nowhere."""

EARNS = 0


def attack(places):
    import ctypes
    ctypes.string_at(0)
