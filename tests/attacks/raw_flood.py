"""Writes 100 MB beneath Python."""

EARNS = 0


def attack(places):
    import os
    for _ in range(100):
        os.write(1, b'x' * (1 << 20))
