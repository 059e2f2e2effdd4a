"""Hangs when it is asked to end."""


def attack(places):
    import atexit, time
    atexit.register(time.sleep, 3600)
