"""Answers with an error whose text is no text, and many times as long once it is written out."""

EARNS = 0


def attack(places):
    import grader.sandbox.worker.__main__ as worker
    write = worker.write_frame
    error = {'kind': 'x', 'type': 't', 'text': bytes(60 << 20), 'where': ''}
    worker.write_frame = lambda stream, reply: write(stream, {**reply, 'values': [], 'error': error})
