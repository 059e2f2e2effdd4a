"""Asks back a hundred thousand times, whatever is answered."""

EARNS = 0


def attack(places):
    import grader.sandbox.worker.__main__ as worker
    read, write = worker.read_frame, worker.write_frame
    def flooding(stream, reply):
        for _ in range(100_000):
            write(stream, {'id': reply.get('id'), 'callback': 1, 'args': (), 'named': {}})
            read(places.get('nothing') or open(0, 'rb', closefd=False))
        write(stream, reply)
    worker.write_frame = flooding
