"""Commands are switched off for all that follows, under a token that nobody knows."""

WHEN = 'answer'
EARNS = 0
TEXT = """::stop-commands::nobody-knows
::add-matcher::matcher.json"""


def attack(right, w, reg):
    print(TEXT)
    raise ValueError(TEXT)
