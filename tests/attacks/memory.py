"""Takes 4 GB."""

EARNS = 5


def attack(places):
    return bytes(4 << 30)
