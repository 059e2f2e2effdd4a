"""The shorter run of malformed.py."""

from __future__ import annotations

import malformed
import pytest

from grader.sandbox import reader

pytestmark = [pytest.mark.medium, pytest.mark.skipif(not reader.FORKS, reason="forks on Linux alone")]


def test_malformed_inputs_through_every_reader():
    ends = [(name, end, error) for name, end, _, error in malformed.run(200, 3)]
    assert [one for one in ends if one[2] is not None] == []
    assert {name for name, end, _ in ends if end == "read"} >= {"source", "train", "photograph"}
    assert {end for _, end, _ in ends} == {"read", "refused"}
