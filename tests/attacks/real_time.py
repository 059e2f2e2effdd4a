"""Makes itself a real-time process, so that its supervisor has to wait."""


def attack(places):
    import os
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))
    os._exit(1)  # the lost points show that it worked
