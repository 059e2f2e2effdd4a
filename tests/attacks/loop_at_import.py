"""Loops while it is imported."""

WHEN = 'import'
EARNS = 0
LIMITED = True


while True:
    pass
