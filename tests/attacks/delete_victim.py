"""Deletes what is not its own."""


def attack(places):
    import os, shutil
    os.unlink(places['victim'] + '/file')
    shutil.rmtree(places['victim'])
