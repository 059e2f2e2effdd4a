"""Lists folders that are not its own."""


def attack(places):
    import os
    return [os.listdir(path) for path in (places['victim'], '/', '/tmp', '/home', places['root'])]
