"""Opens a file beneath Python."""


def attack(places):
    import ctypes
    libc = ctypes.CDLL(None)
    descriptor = libc.open(places['secret'].encode(), 0)
    buffer = ctypes.create_string_buffer(100)
    libc.read(descriptor, buffer, 100)
    return buffer.value
