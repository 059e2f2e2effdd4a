"""Puts screenfuls into the note on what it tried."""


def attack(places):
    import grader.sandbox.worker.__main__ as worker
    write = worker.write_frame
    worker.write_frame = lambda stream, reply: write(stream, {**reply, 'tried': [(f'{n} ' + 'x' * 1000, 'y' * 1000) for n in range(1000)]})
