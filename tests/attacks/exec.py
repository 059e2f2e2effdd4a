"""Replaces itself by a program."""


def attack(places):
    import ctypes
    args = (ctypes.c_char_p * 3)(b'touch', (places['victim'] + '/mine').encode(), None)
    return ctypes.CDLL(None).execv(b'/usr/bin/touch', args)
