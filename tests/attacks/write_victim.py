"""Makes a file in a folder that is not its own."""


def attack(places):
    open(places['victim'] + '/mine', 'w').write('x')
