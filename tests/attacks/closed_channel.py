"""Closes the channel."""

EARNS = 0


def attack(places):
    import os
    os.closerange(3, 64)
