"""Opens a network connection."""


def attack(places):
    import socket
    socket.create_connection(('127.0.0.1', places['tcp'])).sendall(b'answers?')
