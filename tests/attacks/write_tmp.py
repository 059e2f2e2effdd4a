"""Leaves a file in /tmp."""


def attack(places):
    open('/tmp/backgrade-left', 'w').write('x')
