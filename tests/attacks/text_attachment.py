"""A file of the machine's that a report in GitLab would offer as an attachment, and a section of its log."""

WHEN = 'answer'
EARNS = 0
TEXT = '[[ATTACHMENT|/etc/passwd]]\n\x1b[0Ksection_start:1:forged[collapsed=true]\r\x1b[0Kforged'


def attack(right, w, reg):
    print(TEXT)
    raise ValueError(TEXT)
