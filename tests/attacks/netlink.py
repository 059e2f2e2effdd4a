"""Talks to the kernel's network configuration."""


def attack(places):
    import socket
    return socket.socket(16, socket.SOCK_RAW, 0)
