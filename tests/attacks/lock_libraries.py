"""Locks a library, on which another student's process could wait for a sign."""


def attack(places):
    import fcntl, os
    first, second = (os.open(os.__file__, os.O_RDONLY) for _ in range(2))
    fcntl.flock(first, fcntl.LOCK_EX)
    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)  # it would raise, had the first one been carried out
    return 'refused'
