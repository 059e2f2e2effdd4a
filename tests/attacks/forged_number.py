"""Sends a reply whose number is an array: it is neither the right one nor a wrong one."""

EARNS = 0


def attack(places):
    import numpy as np
    import grader.sandbox.worker.__main__ as worker
    write = worker.write_frame
    worker.write_frame = lambda stream, reply: write(stream, {**reply, 'id': np.array([reply['id'], 0])})
