"""Forks beneath Python."""


def attack(places):
    import ctypes, os
    pid = ctypes.CDLL(None).fork()
    if pid == 0:
        import time
        time.sleep(600)
