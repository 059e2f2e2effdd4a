"""Stops itself and waits to be woken."""

EARNS = 0
LIMITED = True


def attack(places):
    import os, signal
    os.kill(os.getpid(), signal.SIGSTOP)
