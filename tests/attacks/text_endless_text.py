"""An error message of 10 MB in one line."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    text = 'x' * 10_000_000
    print(text)
    raise ValueError(text)
