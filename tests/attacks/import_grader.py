"""Imports the checks and the reference."""


def attack(places):
    import sys
    sys.path[:0] = [places['root'], places['root'] + '/reference/neuralnet']
    import grader.homework.task2_layers as found
    return open(found.__file__).read()
