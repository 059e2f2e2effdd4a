"""Keeps memory in the kernel, in a socket's buffer of half a gigabyte; ends where that is possible."""


def attack(places):
    import os, socket
    a, b = socket.socketpair()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 29)
    os._exit(0)
