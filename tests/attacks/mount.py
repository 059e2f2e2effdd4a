"""Mounts a file system over its own folder."""


def attack(places):
    import ctypes
    libc = ctypes.CDLL(None)
    libc.unshare(0x10000000 | 0x00020000)
    return libc.mount(b'none', b'.', b'tmpfs', 0, None)
