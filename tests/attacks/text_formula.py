"""A spreadsheet's formula."""

WHEN = 'answer'
EARNS = 0


def attack(right, w, reg):
    text = '=HYPERLINK("https://example.org", "grades")'
    print(text)
    raise ValueError(text)
