"""Waits for connections."""


def attack(places):
    import socket
    server = socket.create_server(('127.0.0.1', 0))
    server.listen()
