"""Raises an exception that is none of Python's usual ones."""

EARNS = 0
RAISES = True


def attack(places):
    raise BaseExceptionGroup('all', [SystemExit(0), KeyboardInterrupt()])
