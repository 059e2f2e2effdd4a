"""Makes rules of Landlock, which lie in the kernel's memory, until two gigabytes of that are full."""


def attack(places):
    import ctypes, os, struct
    libc = ctypes.CDLL(None, use_errno=True)
    handled = struct.pack('<Q', 1 << 2)
    if libc.syscall(444, handled, 8, 0) >= 0:
        os._exit(0)  # the lost points show that it worked
    descriptor = os.open(os.__file__, os.O_RDONLY)
    if libc.syscall(445, descriptor, 1, handled + struct.pack('<i', descriptor), 0) == 0 or ctypes.get_errno() != 1:
        os._exit(0)
    if libc.syscall(446, descriptor, 0) == 0 or ctypes.get_errno() != 1:
        os._exit(0)
    return 'refused'
