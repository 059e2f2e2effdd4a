"""Says what it changed in a list, and not by position."""

EARNS = 0


def attack(places):
    import grader.sandbox.worker.__main__ as worker
    write = worker.write_frame
    def forged(stream, reply):
        write(stream, {**reply, 'changed': [float('inf')]})
    worker.write_frame = forged
