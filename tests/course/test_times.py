"""Times as platforms write them, and what is no time."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from grader.command.batch import due
from grader.course.times import moment, says_nothing

AT = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 23:59:59 UTC", "2026-11-22T23:59:59Z", "2026-11-22 18:59:59 -0500", "2026-11-22 18:59:59 -05:00",
        "2026-11-22 18:59:59 America/New_York", "2026-11-22 23:59:59 GMT", "2026-11-22\u00a023:59:59 UTC",
        "Sunday, November 22, 2026 6:59:59 PM EST", "2026-11-22 23:59:59.000000 UTC", "2026-11-22 UTC",
    ],
)  # fmt: skip
def test_a_time_with_a_zone_is_that_moment(text):
    assert moment(text, ZoneInfo("Asia/Tokyo")) == AT


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22",
        "20261122",
        "2026-W47-7",
        "22 November 2026",
        "Nov 22, 2026",
        "22.11.2026",
        "22/11/2026",
        "22.11.26",
    ],
)
def test_a_day_alone_means_its_end_in_the_courses_zone(text):
    assert moment(text, ZoneInfo("America/New_York")) == datetime(2026, 11, 23, 4, 59, 59, tzinfo=UTC)
    assert moment(text, ZoneInfo("UTC")) == AT
    assert not text.startswith("2026") or due(text, UTC) == AT


@pytest.mark.parametrize(
    "text", ["soon", "yesterday", "-", "", "3", "03/04/2026 23:05", "3-4-2026", "11:05 PM", "November 2026",
             "31 November 2026", "9999999999999999999999", "Friday", None, 3.5, ["2026"], "9999-12-31", "0001-01-01"],
)  # fmt: skip
def test_what_is_no_time_or_may_be_two_is_none(text):
    assert moment(text) is None


def test_a_cell_may_say_that_there_is_no_time():
    assert all(map(says_nothing, ("-", "", " Never ", "n/a")))
    assert not says_nothing("soon")
