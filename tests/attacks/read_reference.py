"""Reads the solution."""


def attack(places):
    return open(places['root'] + '/reference/neuralnet/layers.py').read()
