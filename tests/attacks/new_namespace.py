"""Makes a namespace in which it is root."""


def attack(places):
    import ctypes
    if ctypes.CDLL(None).unshare(0x10000000 | 0x40000000) == 0:
        open(places['victim'] + '/mine', 'w')
