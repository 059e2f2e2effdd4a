"""Answers with tensors where arrays are due, one of them with a flag that is none."""

EARNS = 0


def attack(places):
    import numpy
    import grader.sandbox.worker.__main__ as worker
    write = worker.write_frame
    def forged(stream, reply):
        if 'values' in reply:
            reply = {**reply, 'values': [worker.Tensor(numpy.zeros((2, 0)), True) for _ in reply['values']]}
        write(stream, reply)
    worker.write_frame = forged
