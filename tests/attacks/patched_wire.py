"""Rewrites the encoder."""

EARNS = 0


def attack(places):
    import sys
    wire = sys.modules['grader.sandbox.worker.wire']
    wire.encode = lambda value: b'\xff' * 100
    wire._encode = lambda value, parts, depth: parts.append(b'\xff' * 100)
