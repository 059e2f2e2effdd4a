"""Raises its own limits."""


def attack(places):
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
