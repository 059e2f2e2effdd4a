"""Looks for other submissions beside its own."""


def attack(places):
    import glob
    return [open(path).read() for path in glob.glob('../../*/code/**/*.py', recursive=True) + glob.glob(places['victim'] + '/*')]
