"""Makes more files than a folder should hold."""

EARNS = 0


def attack(places):
    for n in range(5000):
        open(f'file{n}', 'w').close()
