"""Connects to a local service by its path."""


def attack(places):
    import socket
    socket.socket(socket.AF_UNIX).connect(places['unix'])
