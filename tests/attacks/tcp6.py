"""Opens a connection over IPv6."""


def attack(places):
    import socket
    socket.create_connection(('::1', places['tcp6']))
