"""Sends itself the signal of Ctrl-C."""

EARNS = 0


def attack(places):
    import os, signal
    os.kill(os.getpid(), signal.SIGINT)
