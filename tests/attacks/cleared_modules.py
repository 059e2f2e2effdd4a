"""Throws the interpreter's modules and hooks away."""

EARNS = 0


def attack(places):
    import sys
    sys.modules.clear()
    sys.meta_path.clear()
    sys.path_hooks.clear()
