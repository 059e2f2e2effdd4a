"""Changes the time of a file that is not its own."""


def attack(places):
    import os
    os.utime(places['victim'] + '/file', (0, 0))
