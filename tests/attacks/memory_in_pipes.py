"""Keeps memory that it has given back: a pipe holds one page of each huge page."""


def attack(places):
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    page = ctypes.create_string_buffer(8192)
    piece = (ctypes.c_size_t * 2)(ctypes.addressof(page), 4096)
    if libc.vmsplice(os.pipe()[1], piece, ctypes.c_ulong(1), 2) >= 0:
        os._exit(0)  # the lost points show that it worked
    return os.strerror(ctypes.get_errno())
