"""Reads the arguments that it was started with."""


def attack(places):
    import sys
    return sys.argv, sys.orig_argv, open('/proc/self/cmdline').read()
