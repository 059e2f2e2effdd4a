"""Asks the grader to call functions that no check has passed along."""

EARNS = 0


def attack(places):
    import grader.sandbox.worker.__main__ as worker
    write = worker.write_frame
    def forged(stream, reply):
        write(stream, {'id': reply.get('id'), 'callback': 1, 'args': (), 'named': {}})
    worker.write_frame = forged
