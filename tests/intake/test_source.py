"""Where a student's file defines what a check asks."""

from __future__ import annotations

import pytest

from grader.intake.source import LARGEST, line_of

SOURCE = b"""import numpy as np

def relu(x):
    def inner():
        pass

class Net:
    def forward(self, X):
        pass

def relu(x):
    return x
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("relu",), 11),  # the last one is what Python keeps
        (("Net",), 7),
        (("Net", "forward"), 8),
        (("Net", "backward"), None),
        (("inner",), None),
        (("np",), None),
    ],
)
def test_the_line_of_a_definition(path, line):
    assert line_of(SOURCE, path) == line


@pytest.mark.parametrize(
    "source", [b"def f(:", b"\0", b"\xff\xfe", b"(" * 10_000, b"-" * 100_000 + b"1", b"x = 1\n" * LARGEST, b"'\\d'"]
)
def test_what_cannot_be_read_has_no_lines(source):
    assert line_of(source, ("f",)) is None
