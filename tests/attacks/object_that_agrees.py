"""An object that is equal to everything, less than everything, contains everything, and is as long as you like."""

WHEN = 'answer'
EARNS = 0


class Agreeable:
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = lambda *_: True
    __hash__ = None
    __len__ = lambda self: 1 << 62
    shape, ndim, size, dtype = (), 0, 1, 'float64'

    def __iter__(self):
        while True:
            yield self

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **named):
        return self


def attack(right, w, reg):
    return Agreeable(), Agreeable()
