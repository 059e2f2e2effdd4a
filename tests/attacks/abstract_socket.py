"""Connects to a local service by an abstract name."""


def attack(places):
    import socket
    socket.socket(socket.AF_UNIX).connect('\0' + places['abstract'])
