"""Pickles as Python 2 and an old numpy wrote them, in which CIFAR-10 is published."""

from __future__ import annotations

import struct

import numpy as np

NUMPY = ("numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype")


def dumped(record: object) -> bytes:
    return b"\x80\x02" + opcodes(record) + b"."


def opcodes(value: object) -> bytes:
    """Text and bytes are one; an array is rebuilt, then filled."""
    if isinstance(value, (str, bytes)):
        text = value.encode() if isinstance(value, str) else value
        return b"T" + struct.pack("<i", len(text)) + text
    if isinstance(value, bool) or value is None:
        return {True: b"\x88", False: b"\x89", None: b"N"}[value]
    if isinstance(value, int | np.integer):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, list):
        return b"](" + b"".join(map(opcodes, value)) + b"e"
    if isinstance(value, tuple):
        return b"(" + b"".join(map(opcodes, value)) + b"t"
    if isinstance(value, dict):
        return b"}(" + b"".join(opcodes(key) + opcodes(entry) for key, entry in value.items()) + b"u"
    assert isinstance(value, np.ndarray)
    reconstruct, ndarray, dtype = (b"c" + name.replace(" ", "\n").encode() + b"\n" for name in NUMPY)
    kind = dtype + opcodes((value.dtype.str[1:], 0, 1)) + b"R" + opcodes((3, "|", None, None, None, -1, -1, 0)) + b"b"
    state = b"(" + opcodes(1) + opcodes(value.shape) + kind + opcodes(False) + opcodes(value.tobytes()) + b"t"
    return reconstruct + b"(" + ndarray + opcodes((0,)) + opcodes("b") + b"tR" + state + b"b"
