"""Ties another process to one core."""


def attack(places):
    import os
    os.sched_setaffinity(places['process'], {0})
