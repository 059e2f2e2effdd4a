"""Runs a command with os.system."""


def attack(places):
    import os
    return os.system('touch ' + places['victim'] + '/mine')
