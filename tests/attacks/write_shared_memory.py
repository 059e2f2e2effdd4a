"""Leaves a file in shared memory."""


def attack(places):
    open('/dev/shm/backgrade-left', 'w').write('x')
