"""Loops without end and ignores every signal."""

EARNS = 0
LIMITED = True


def attack(places):
    import signal
    for number in range(1, 32):
        try:
            signal.signal(number, signal.SIG_IGN)
        except OSError:
            continue
    while True:
        pass
