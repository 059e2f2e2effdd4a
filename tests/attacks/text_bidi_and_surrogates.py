"""Text that is shown in another order than it is written, and text that cannot be encoded."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    text = '\u202e001 fo 001\u202c \ud800 \x00 \u2066'
    print(text)
    raise ValueError(text)
