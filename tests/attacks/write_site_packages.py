"""Plants a module that every Python would import."""


def attack(places):
    import sysconfig
    open(sysconfig.get_paths()['purelib'] + '/planted.pth', 'w').write('import os')
