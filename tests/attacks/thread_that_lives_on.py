"""Leaves a thread that loops."""


def attack(places):
    import threading
    def loop():
        while True:
            pass
    if threading.active_count() == 1:  # with one for each call, the calls themselves would take too long
        threading.Thread(target=loop, daemon=True).start()
