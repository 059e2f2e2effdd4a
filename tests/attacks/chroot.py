"""Leaves through another root."""


def attack(places):
    import os
    os.mkdir('jail')
    os.chroot('jail')
