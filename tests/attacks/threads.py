"""Starts 500 threads."""


def attack(places):
    import threading, time
    for _ in range(500):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
