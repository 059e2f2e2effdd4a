"""Opens the root folder and goes down from there."""


def attack(places):
    import os
    root = os.open('/', os.O_RDONLY)
    return os.read(os.open(places['secret'].lstrip('/'), os.O_RDONLY, dir_fd=root), 100)
