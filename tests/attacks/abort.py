"""Dumps its core."""

EARNS = 0


def attack(places):
    import os
    os.abort()
