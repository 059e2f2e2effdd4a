"""An answer of a class, with attributes and keys, that are called like a command, a link and a fence."""

WHEN = 'answer'
EARNS = 0
TEXT = '::error::forged ##[error]forged\n::error::forged\n# forged ``` [click](https://example.org) <h1>'


def attack(right, w, reg):
    kind = type('Odd', (dict,), {'__repr__': lambda self: TEXT, '__str__': lambda self: TEXT})
    kind.__name__ = TEXT
    answer = kind({TEXT: TEXT})
    setattr(answer, TEXT, TEXT)
    return answer
