"""Asks for the machine's network interfaces, and sets them up again, through sockets that it may have."""


def attack(places):
    import ctypes, os, socket
    libc = ctypes.CDLL(None, use_errno=True)
    one, other = socket.socketpair()
    asked = ctypes.create_string_buffer(b'lo'.ljust(40, b'\0'), 40)
    for request in (0x8910, 0x8913, 0x8914, 0x8927):
        if libc.ioctl(one.fileno(), ctypes.c_ulong(request), asked) == 0:
            os._exit(0)  # the lost points show that it worked
    return os.strerror(ctypes.get_errno())
