"""Puts a link to a foreign folder where its own was, for the clean-up to follow."""


def attack(places):
    import os
    os.symlink(places['victim'], 'inner')
    os.symlink(places['victim'] + '/file', 'file')
