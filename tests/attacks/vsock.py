"""Reaches the machine's host by its own kind of socket; ends where that is possible."""


def attack(places):
    import os, socket
    socket.socket(40, socket.SOCK_STREAM)
    os._exit(0)
