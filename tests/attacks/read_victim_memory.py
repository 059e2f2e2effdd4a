"""Reads the memory of another process."""


def attack(places):
    import ctypes, os
    libc = ctypes.CDLL(None)
    buffer = ctypes.create_string_buffer(64)
    iov = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 64)
    return libc.process_vm_readv(os.getppid(), iov, 1, iov, 1, 0)
