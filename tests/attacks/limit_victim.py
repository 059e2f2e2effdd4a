"""Takes the memory of another process away."""


def attack(places):
    import resource
    resource.prlimit(places['process'], resource.RLIMIT_NOFILE, (1, 1))
