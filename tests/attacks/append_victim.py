"""Adds to a file that is not its own."""


def attack(places):
    open(places['victim'] + '/file', 'a').write('x')
