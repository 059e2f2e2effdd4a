"""Looks a name up, which tells a name server something."""


def attack(places):
    import socket
    return socket.getaddrinfo('answers.example.org', 80)
