"""Gradescope's metadata: who handed in, when it was due, and files that are not what they should be."""

from __future__ import annotations

import json

import pytest

from grader.model import Late, Remarks
from grader.platform.gradescope import Gradescope

LATE = Late(per_day=10, grace_hours=1, cap=50, timezone="America/Los_Angeles")
DUE = "2026-11-20T23:59:00.000000-08:00"


def platform(tmp_path, told):
    content = told if isinstance(told, bytes) else json.dumps(told).encode()
    (tmp_path / "submission_metadata.json").write_bytes(content)
    return Gradescope(tmp_path)


@pytest.mark.parametrize(
    ("at", "days", "penalty"),
    [
        ("2026-11-20T12:00:00.000000-08:00", 0, 0),
        ("2026-11-21T00:30:00.000000-08:00", 0, 0),
        ("2026-11-21T02:00:00.000000-08:00", 1, 10),
        ("2026-12-20T12:00:00.000000-08:00", 30, 50),
        ("2026-11-22T10:00:00Z", 2, 20),
    ],
)
def test_lateness_follows_the_rubric(tmp_path, at, days, penalty):
    given = platform(tmp_path, {"created_at": at, "assignment": {"due_date": DUE}})
    assert given.remarks(LATE) == Remarks(late_days=days, penalty=penalty)
    assert given.remarks(None) == Remarks()


def test_an_extension_of_ones_own_counts_and_in_a_group_the_longest(tmp_path):
    users = [
        {"name": "Ada", "assignment": {"due_date": DUE}},
        {"name": "Bo", "assignment": {"due_date": "2026-11-25T23:59:00-08:00"}},
    ]
    told = {"created_at": "2026-11-24T10:00:00-08:00", "assignment": {"due_date": DUE}, "users": users}
    assert platform(tmp_path, told).remarks(LATE).late_days == 0
    assert platform(tmp_path, told).student().name == "Ada"


@pytest.mark.parametrize(
    "told",
    [b"", b"{", b"[]", b"\xff", b"[" * 100_000, {}, {"created_at": 7, "assignment": None, "users": [3, None]},
     {"created_at": "soon", "assignment": {"due_date": "later"}, "users": {}}, {"created_at": DUE, "assignment": []}],
)  # fmt: skip
def test_metadata_that_say_nothing_cost_nothing(tmp_path, told):
    given = platform(tmp_path, told)
    assert given.remarks(LATE) == Remarks()
    assert given.student().name == "the submission"


def test_no_metadata_cost_nothing(tmp_path):
    assert Gradescope(tmp_path).remarks(LATE) == Remarks()
