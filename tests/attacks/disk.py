"""Fills the disk with one file, once: a process that does so in each of many calls is stopped for it."""

import os

EARNS = 5


def attack(places):
    if os.path.exists('large'):
        return
    with open('large', 'wb') as out:
        for _ in range(300):
            out.write(bytes(1 << 20))
