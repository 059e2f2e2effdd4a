"""Gives a file a second name in its own folder."""


def attack(places):
    import os
    os.link(places['secret'], 'name')
    return open('name').read()
