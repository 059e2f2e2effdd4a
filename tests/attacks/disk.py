"""Fills the disk with one file."""

EARNS = 5


def attack(places):
    with open('large', 'wb') as out:
        for _ in range(300):
            out.write(bytes(1 << 20))
