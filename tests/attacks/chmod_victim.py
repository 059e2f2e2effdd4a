"""Changes the rights of a file that is not its own."""


def attack(places):
    import os
    os.chmod(places['victim'] + '/file', 0o777)
