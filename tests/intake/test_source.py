"""Where a student's file defines what a check asks."""

from __future__ import annotations

import pytest

from grader.intake.source import LARGEST, definitions

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


def test_the_lines_of_definitions():
    assert definitions("layers.py", SOURCE) == {"Net": 7, "Net.forward": 8, "relu": 11}  # the last is what Python keeps


def test_a_class_that_is_defined_again_keeps_none_of_its_methods():
    again = SOURCE + b"class Net:\n    def backward(self):\n        pass\n"
    assert definitions("layers.py", again) == {"relu": 11, "Net": 13, "Net.backward": 14}


@pytest.mark.parametrize(
    "source", [b"def f(:", b"\0", b"\xff\xfe", b"(" * 10_000, b"-" * 100_000 + b"1", b"x = 1\n" * LARGEST, b"'\\d'"]
)
def test_what_cannot_be_read_has_no_lines(source):
    assert definitions("layers.py", source) == {}


def test_a_notebook_has_no_lines():
    assert definitions("part1.ipynb", SOURCE) == {}
