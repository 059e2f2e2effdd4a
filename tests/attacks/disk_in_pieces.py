"""Fills the disk with many files."""

EARNS = 0


def attack(places):
    for n in range(20):
        with open(f'large{n}', 'wb') as out:
            out.write(bytes(32 << 20))
