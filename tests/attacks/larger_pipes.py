"""Makes its pipes larger than others', where no limit of a process counts what is in them."""


def attack(places):
    import fcntl, os
    for size in (1 << 17, 1 << 20, 1 << 24):
        try:
            fcntl.fcntl(os.pipe()[1], 1031, size)
        except PermissionError:
            continue
        os._exit(0)  # the lost points show that it worked
    return 'refused'
