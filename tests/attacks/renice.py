"""Changes the priority of another process."""


def attack(places):
    import os
    os.setpriority(os.PRIO_PROCESS, places['process'], 19)
