"""nbgrader: submitted/STUDENT/ASSIGNMENT, with a time beside the work."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from grader.errors import UsageError

AT = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize("above", ["", "submitted/", "course/"])
def test_the_work_lies_below_the_assignment_and_the_time_beside_it(read, above):
    texts = {f"{above}{user}/hw1/timestamp.txt": "2026-11-21 23:59:00.000000 UTC\n" for user in ("ada", "grace")}
    found = read(
        f"{above}ada/hw1/", f"{above}grace/hw1/", texts=texts, roster="Name,username\nAda L,ada\nGrace H,grace\nBo,bo\n"
    )
    assert {id_: one.submitted_at for id_, one in found.items()} == {"ada": AT, "grace": AT, "bo": None}
    assert found["ada"].parts[0][1].name == "hw1"
    assert found["ada"].name == "Ada L"


@pytest.mark.parametrize(
    "told", ["2026-11-21 23:59:00", "2026-11-21 18:59:00.000000 America/New_York", "2026-11-21 23:59:00.0 UTC"]
)
def test_times_are_in_the_zone_that_they_name_or_in_utc(read, told):
    (ada,) = read("ada/hw1/", texts={"ada/hw1/timestamp.txt": told}, zone="Asia/Tokyo").values()
    assert ada.submitted_at == AT


def test_a_time_that_is_not_understood_is_kept_as_it_stands(read):
    (ada,) = read("ada/hw1/", texts={"ada/hw1/timestamp.txt": "half past nine\n"}).values()
    assert (ada.submitted_at, ada.ids["submitted_at"]) == (None, "half past nine")


def test_of_several_assignments_one_has_to_be_chosen(read):
    with pytest.raises(
        UsageError, match="contains several assignments: hw1, hw2; copy the one to grade into a new folder"
    ):
        read("ada/hw1/", "ada/hw2/", texts={"ada/hw1/timestamp.txt": "2026-11-21 23:59:00 UTC"})


def test_the_exchange_names_student_assignment_and_time_in_one(read):
    (ada,) = read("ada+hw1+2026-11-20 10:00:00.000000 UTC/", "ada+hw1+2026-11-21 23:59:00.000000 UTC+Xy9/").values()
    assert (ada.id, ada.submitted_at, len(ada.others)) == ("ada", AT, 1)
