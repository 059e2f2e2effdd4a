"""The shorter run of kills.py."""

from __future__ import annotations

import kills
import pytest

from grader.sandbox import reader

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not reader.FORKS, reason="kinds of processes are those of Linux")]


def test_random_kills_lose_nothing_and_double_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(kills, "COPIES", 1)
    assert kills.run(4, 7, tmp_path).total() == 4


def test_what_is_lost_or_doubled_is_seen(tmp_path):
    one = kills.Round(tmp_path, tmp_path / "out", kills.random.Random(0))
    one.kept = {"a key": "2026-11-20"}
    with pytest.raises(kills.Lost, match="gone or new"):
        one.look()
