"""A list that holds itself."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    loop = []
    loop.append(loop)
    return loop, {'loop': loop}
