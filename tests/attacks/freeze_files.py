"""Would freeze a file system; asks it of /proc, which cannot be frozen but would say so itself."""


def attack(places):
    import ctypes, errno, os
    libc = ctypes.CDLL(None, use_errno=True)
    with open('/proc/self/status') as file:
        libc.ioctl(file.fileno(), ctypes.c_ulong(0xC0045877), 0)
    if ctypes.get_errno() not in (errno.EPERM, errno.EACCES):
        os._exit(0)  # the lost points show that it got through
    return 'refused'
