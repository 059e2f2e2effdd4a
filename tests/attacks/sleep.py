"""Sleeps for an hour."""

EARNS = 0
LIMITED = True


def attack(places):
    import time
    time.sleep(3600)
