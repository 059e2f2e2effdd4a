"""Prints 50 MB."""


def attack(places):
    for _ in range(50):
        print('x' * (1 << 20))
