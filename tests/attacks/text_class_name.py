"""An exception whose class is named like HTML, and whose text raises."""

WHEN = 'answer'
EARNS = 0


class Mute(Exception):
    def __str__(self):
        raise RuntimeError('<b>no</b>')


def attack(right, w, reg):
    Mute.__name__ = '<script>alert(1)</script>' * 1000
    raise Mute
