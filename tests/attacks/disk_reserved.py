"""Reserves disk behind the end of a file, where neither its size nor its limit shows."""


def attack(places):
    import ctypes, os
    libc = ctypes.CDLL(None, use_errno=True)
    with open('reserved', 'wb') as out:
        done = libc.fallocate(out.fileno(), 1, ctypes.c_long(0), ctypes.c_long(1 << 30))
    if os.stat('reserved').st_blocks:
        os._exit(1)  # the lost points show that it worked
    return done
