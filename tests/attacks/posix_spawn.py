"""Spawns a program."""


def attack(places):
    import os
    return os.posix_spawn('/bin/touch', ['touch', places['victim'] + '/mine'], {})
