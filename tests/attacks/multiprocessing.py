"""Starts a pool of processes."""


def attack(places):
    import multiprocessing
    with multiprocessing.get_context('fork').Pool(2) as pool:
        return pool.map(abs, [1])
