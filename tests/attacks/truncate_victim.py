"""Empties a file that is not its own."""


def attack(places):
    import os
    os.truncate(places['victim'] + '/file', 0)
