"""An answer of two million numbers."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    return list(range(2_000_000)), w
