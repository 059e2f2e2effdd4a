"""Watches a folder that it may not list, for the names of what is made there; ends where that is possible."""


def attack(places):
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(0)
    if descriptor >= 0 and libc.inotify_add_watch(descriptor, b'/tmp', 0xfff) >= 0:
        os._exit(0)
    return 'refused'
