"""Keeps memory in the kernel, in sockets that are on their way through another socket; ends where that is possible."""


def attack(places):
    import array, os, socket
    a, b = socket.socketpair()
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [b.fileno()]))])
    os._exit(0)
