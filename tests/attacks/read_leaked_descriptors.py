"""Reads from every descriptor that it finds open."""



def attack(places):
    import os, select
    found = []
    for n in range(3, 64):
        try:
            if select.select([n], [], [], 0)[0]:
                found.append(os.read(n, 1 << 16))
        except (OSError, ValueError):
            continue
    return found
