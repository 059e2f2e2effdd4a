"""Loops without end."""

EARNS = 0
LIMITED = True


def attack(places):
    while True:
        pass
