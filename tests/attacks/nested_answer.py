"""A list nested a thousand deep."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    deep = []
    for _ in range(1000):
        deep = [deep]
    return deep, deep
