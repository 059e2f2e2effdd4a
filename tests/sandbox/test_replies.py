"""What a reply holds is believed within bounds."""

from __future__ import annotations

import pytest

from grader.sandbox.replies import as_text


@pytest.mark.parametrize(
    ("value", "text"), [("Net", "Net"), ("x" * 100, "x" * 10), (bytes(100), ""), (["x"], ""), (None, ""), (3, "")]
)
def test_a_text_is_cut_and_what_is_none_is_not_written_out(value, text):
    assert as_text(value, 10) == text
