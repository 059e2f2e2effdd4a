"""A workflow command, a Markdown link and a fence as the names of functions, classes and keys."""

WHEN = 'answer'
EARNS = 0
TEXT = '::error::forged ##[error]forged\n::error::forged\n# forged ``` [click](https://example.org) <h1>'


def named(kind):
    kind.__name__ = kind.__qualname__ = kind.__module__ = TEXT
    return kind


class Odd(Exception):
    def __str__(self):
        return TEXT


def attack(right, w, reg):
    def function():
        raise named(Odd)(TEXT)

    function.__code__ = function.__code__.replace(co_name=TEXT, co_filename=TEXT + '.py')
    print(named(function), {TEXT: TEXT})
    named(function)()
