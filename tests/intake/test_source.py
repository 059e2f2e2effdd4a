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


ANSWERS = b"""
def backward(up, c):
    x, w = c
    gx = up @ w.T
    gw = x.T @ up
    gw += 1
    gb = up.sum()
    return gx, gw, gb

def nested(x):
    loss = x
    g1 = x
    return loss, (g1, 2 * x)

def literal(y):
    grads = {"W1": y * 2,
             "b1": y + 1}
    grads["b1"] += 1
    grads["W2"] = y
    return grads

class Net:
    def step(self, X):
        self.out = X
        b = X.sum()
        return {"a": self.out, "b": b}
"""


def test_the_lines_of_what_is_returned():
    assert definitions("layers.py", ANSWERS) == {
        "backward": 2, "backward[0]": 4, "backward[2]": 7,
        "nested": 10, "nested[0]": 11, "nested[1][0]": 12, "nested[1][1]": 13,
        "literal": 15, "literal['W1']": 16, "literal['W2']": 19,
        "Net": 22, "Net.step": 23, "Net.step['b']": 25,
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        "if x: return x, 1\n  a = x\n  return a, 1",  # which of the two is not known
        "x = 2 * x\n  return x",
        "a = 1\n  if x: a = 2\n  return a",
        "for a in x: pass\n  a = 1\n  return a",
        "a = x\n  np.add(a, 1, out=a)\n  return a",
        "a = {}\n  for k in x: a[k] = 1\n  return a",
        "a = {'w': 1}\n  a.update(x)\n  return a",
        "return self.a",
        "a, *b = x\n  return (*b, a)",
        "yield x",
        "global a\n  a = x\n  return a",
    ],
)
def test_no_line_is_told_where_it_is_not_known(body):
    assert definitions("layers.py", f"def f(self, x):\n  {body}\n".encode()) == {"f": 1}


def test_a_decorator_may_change_what_is_returned():
    assert definitions("layers.py", b"@twice\ndef f(x):\n    a = x\n    return a\n") == {"f": 2}


def test_a_function_that_is_defined_again_keeps_no_line_of_its_answer():
    again = ANSWERS + b"def nested(x):\n    return None\n"
    assert [name for name in definitions("layers.py", again) if name.startswith("nested")] == ["nested"]
