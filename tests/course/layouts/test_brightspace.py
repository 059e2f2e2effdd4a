"""Brightspace: a folder or a file per attempt, with its time in the name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

ROSTER = (
    "OrgDefinedId,Username,Last Name,First Name,Email\n#7,#ada,Lovelace,Ada,ada@x\n#8,#grace,Hopper,Grace,grace@x\n"
)


def test_the_newest_attempt_counts_and_is_joined_to_the_class_list(read):
    found = read("index.html", "101-2001 - Ada Lovelace - Nov 19, 2026 805 PM/hw.zip",
                 "101-2001 - Ada Lovelace - Nov 20, 2026 1105 PM/hw.zip",
                 "102-2002 - Grace Hopper - Nov 20, 2026 1105 PM/hw.zip", roster=ROSTER, zone="UTC")  # fmt: skip
    assert set(found) == {"Ada-Lovelace-101", "Grace-Hopper-102"}
    ada = found["Ada-Lovelace-101"]
    assert ada.submitted_at == datetime(2026, 11, 20, 23, 5, tzinfo=UTC)
    assert ada.others == ("101-2001 - Ada Lovelace - Nov 19, 2026 805 PM",)
    assert (ada.ids["Email"], ada.unlisted) == ("ada@x", False)


@pytest.mark.parametrize(
    "at", ["Nov 20, 2026 1105 PM", "Nov 20, 2026 1105 p.m.", "20 November, 2026 2305", "20 novembre 2026 2305"]
)
@pytest.mark.parametrize("name", ["Anne-Marie Poe", "李 伟"])
def test_names_and_times_of_other_places(read, at, name):
    (one,) = read(f"101-2001 - {name} - {at}/hw.zip", zone="UTC", layout="brightspace").values()
    assert (one.name, one.submitted_at) == (name, datetime(2026, 11, 20, 23, 5, tzinfo=UTC))


def test_files_side_by_side_are_one_attempt(read):
    head = "101-2001 - Ada Lovelace - Nov 20, 2026 1105 PM"
    (ada,) = read(f"{head} - layers.py", f"{head} - functions.py").values()
    assert [name for name, _ in ada.parts] == ["functions.py", "layers.py"]
