"""Walks up from its own folder."""


def attack(places):
    import os
    return open(os.path.join(*['..'] * 20, places['secret'].lstrip('/'))).read()
