"""Template code for the report's renderer."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    text = '{{ 7001 * 190807 }}{% include "/etc/passwd" %}{0.__class__}%s%n'
    print(text)
    raise ValueError(text)
