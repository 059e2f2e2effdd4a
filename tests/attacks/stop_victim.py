"""Stops another process."""


def attack(places):
    import os, signal
    os.kill(places['process'], signal.SIGSTOP)
