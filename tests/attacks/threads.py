"""Starts 500 threads, each at once: a `threading.Thread` waits for one that memory keeps from beginning."""


def attack(places):
    import _thread, time
    for _ in range(500):
        _thread.start_new_thread(time.sleep, (600,))
