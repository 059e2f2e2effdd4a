"""Leaves a thread that loops."""


def attack(places):
    import threading
    def loop():
        while True:
            pass
    threading.Thread(target=loop, daemon=True).start()
