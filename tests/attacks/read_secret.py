"""Reads a file outside its folder."""


def attack(places):
    return open(places['secret']).read()
