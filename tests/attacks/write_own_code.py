"""Changes its own files for the process that comes next."""


def attack(places):
    import os
    open(os.path.join(os.path.dirname(__file__), 'classifier.py'), 'a').write('x')
