"""A verdict where an answer belongs."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    return {'verdict': 'PASS', 'earned': 5, 'points': 5}
