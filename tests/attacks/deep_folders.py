"""Nests folders deeper than a clean-up recurses."""

EARNS = 0


def attack(places):
    import os
    for _ in range(1200):
        os.mkdir('d')
        os.chdir('d')
