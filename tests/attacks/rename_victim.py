"""Renames a file that is not its own."""


def attack(places):
    import os
    os.rename(places['victim'] + '/file', places['victim'] + '/other')
