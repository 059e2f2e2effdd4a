"""Becomes another user."""


def attack(places):
    import os
    os.setuid(0)
    os.setgid(0)
    open(places['victim'] + '/mine', 'w')
