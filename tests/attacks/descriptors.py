"""Opens files until none are left."""


def attack(places):
    import os
    keep = []
    while True:
        keep.append(os.open('.', os.O_RDONLY))
