"""The student's functions as they are called from here: what is told of them is believed within bounds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from grader.sandbox.remote import Module
from grader.sandbox.replies import as_text


@pytest.mark.parametrize(
    ("told", "believed"),
    [(0, 0), (3, 3), (None, None), (-1, None), (256, 255), (1 << 80, 255), (True, None), (2.0, None), ("2", None)],
)
def test_how_many_arguments_a_function_takes_is_a_count_that_there_can_be(told, believed):
    session = SimpleNamespace(ask=lambda *_, **__: [told], is_function=lambda *_: True)
    assert Module(session, "functions").f4.arity() == believed


@pytest.mark.parametrize(
    ("value", "text"), [("Net", "Net"), ("x" * 100, "x" * 10), (bytes(100), ""), (["x"], ""), (None, ""), (3, "")]
)
def test_a_text_is_cut_and_what_is_none_is_not_written_out(value, text):
    assert as_text(value, 10) == text
