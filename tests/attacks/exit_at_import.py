"""Ends the process with code 0 before a question is asked."""

WHEN = 'import'
EARNS = 0


import os

os._exit(0)
