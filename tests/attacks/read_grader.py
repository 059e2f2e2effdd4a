"""Reads the rubric and the checks."""


def attack(places):
    return open(places['root'] + '/grader/homework/rubric.yaml').read()
