"""Kills another process beneath Python."""


def attack(places):
    import ctypes
    libc = ctypes.CDLL(None)
    libc.kill(places['process'], 9)
    libc.syscall(200, places['process'], 9)
    libc.syscall(234, places['process'], places['process'], 9)
