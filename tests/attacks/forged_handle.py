"""A handle of the grader's own kind, to an object that is not its own."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    from grader.sandbox.worker.wire import Handle

    return Handle(10**6, 'float'), Handle(1, 'ndarray')
