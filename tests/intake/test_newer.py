"""The parser of newer Pythons: it is a program of its own, and reads hostile text."""

from __future__ import annotations

import time

import pytest
from endless import expect_end

from grader.intake import newer

resource = pytest.importorskip("resource")

MANY = {
    "mistakes": ")\n" * 49_000,
    "newer lines": "type X = int\n" * 7000,
    "half strings": 'f"{' * 30_000,
    "withs": "with (" * 16_000,
    "surrogate": 'x = "\udcff"\n',
}


@pytest.mark.parametrize("text", MANY.values(), ids=MANY.keys())
def test_what_it_prints_costs_the_grader_little(text):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with expect_end():
        newer.needed(text)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10 << 10


def test_a_submission_asks_for_no_longer_than_its_time(monkeypatch):
    monkeypatch.setattr(newer, "needed", lambda text: time.sleep(0.2) or "new")
    monkeypatch.setattr(newer, "SECONDS", 0.3)
    assert newer.answers(["a", "b", "c", "d"]) == {"a": "new", "b": "new", "c": "", "d": ""}
