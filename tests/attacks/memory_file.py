"""Takes memory outside its address space."""


def attack(places):
    import os
    keep = [os.memfd_create(str(n)) for n in range(40)]
    for n in keep:
        os.write(n, bytes(32 << 20))
