"""Reads a file through a link of its own."""


def attack(places):
    import os
    os.symlink(places['secret'], 'link')
    return open('link').read()
