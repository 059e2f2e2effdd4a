"""Asks the kernel to open files for it."""


def attack(places):
    import ctypes
    return ctypes.CDLL(None, use_errno=True).syscall(425, 8, ctypes.create_string_buffer(200))
