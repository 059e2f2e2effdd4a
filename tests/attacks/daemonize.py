"""Leaves its session to live on."""


def attack(places):
    import os
    os.setsid()
    os.fork()
