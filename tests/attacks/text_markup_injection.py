"""Markup for the terminal's renderer."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    text = '[bold green]PASS[/] [link=https://example.org]click[/link] [/nothing]'
    print(text)
    raise ValueError(text)
