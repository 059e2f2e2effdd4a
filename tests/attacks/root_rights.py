"""Looks whether it still has any of root's rights but that of reading."""


def attack(places):
    import os
    with open('/proc/self/status') as file:
        rights = [line.split()[1] for line in file if line.startswith(('CapEff', 'CapPrm'))]
    if any(int(right, 16) & ~(1 << 2) for right in rights):
        os._exit(0)  # the lost points show them
    return rights
