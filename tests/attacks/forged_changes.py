"""Says that it changed arguments that there are not, to values that nobody can use."""

EARNS = 5


def attack(places):
    import grader.sandbox.worker.__main__ as worker
    write = worker.write_frame
    def forged(stream, reply):
        if 'values' in reply:
            lies = {10 ** 9: 1, -5: [[]], 'x y': {}, 'self': worker.Handle(10 ** 6, 'lie')}
            reply = {**reply, 'changed': lies}
        write(stream, reply)
    worker.write_frame = forged
