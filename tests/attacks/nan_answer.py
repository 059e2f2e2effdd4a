"""NaN, which compares false with every bar."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    return float('nan'), w * float('nan')
