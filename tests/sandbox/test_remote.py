"""The student's functions as they are called from here: what is told of them is believed within bounds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from grader.sandbox.remote import Module


@pytest.mark.parametrize(
    ("told", "believed"),
    [(0, 0), (3, 3), (None, None), (-1, None), (256, 255), (1 << 80, 255), (True, None), (2.0, None), ("2", None)],
)
def test_how_many_arguments_a_function_takes_is_a_count_that_there_can_be(told, believed):
    session = SimpleNamespace(ask=lambda *_, **__: [told], is_function=lambda *_: True)
    assert Module(session, "functions").f4.arity() == believed
