"""Imports a library that computes gradients, in four ways."""


def attack(places):
    import builtins, importlib, sys
    sys.meta_path.clear()
    for load in (builtins.__import__, importlib.import_module, lambda name: exec('import ' + name), importlib.util.find_spec):
        try:
            print(load('torch'))
        except ImportError as error:
            print(error)
