"""Fills the disk with files that no folder holds any more."""

EARNS = 0


def attack(places):
    import os, time
    kept = []
    for n in range(40):
        kept.append(open('large', 'wb'))
        os.unlink('large')
        kept[-1].write(bytes(60 << 20))
        kept[-1].flush()
    time.sleep(1)
    return 'filled'
