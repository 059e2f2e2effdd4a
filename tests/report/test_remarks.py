"""What a person changed and what lateness costs, as the student's page tells it."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from grader.model import Adjustment, Remarks
from grader.report import html, text
from grader.report.wording import account, headline, undecided, wait

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def adjusted(report, *changes, late_days=0, penalty=0.0):
    given = tuple(Adjustment("doe", item, points, "Grace", AT, why) for item, points, why in changes)
    return replace(report, remarks=Remarks(given, late_days, penalty))


def test_without_remarks_a_report_counts_as_graded(report):
    assert report.adjusted == report.final == pytest.approx(report.score)
    assert account(report) == ""
    assert "byhand" not in html.render(report, figures=False).partition("</style>")[2]


def test_an_adjusted_item_says_by_whom_when_and_why_and_counts(perfect):
    page = html.render(adjusted(perfect, ("1.1", 7.5, "copied <b>f3</b>")), figures=False)
    assert (
        "Adjusted from 10 to 7.5 of 10 points by Grace on 2026-11-23, because: copied &lt;b&gt;f3&lt;/b&gt;</p>" in page
    )
    assert '<p class="score">7.5 of 10</p>' in page
    assert "10 as graded; 7.5 after adjustments" in page
    assert page.count('<td class="num">7.5 / 10</td>') == 2  # the task's line and the item's
    assert '<span class="byhand">by hand</span>' in page


def test_lateness_comes_last_and_is_told(perfect):
    late = adjusted(perfect, ("1.1", 8, "half"), late_days=2, penalty=20)
    assert late.final == 6.4
    assert account(late) == "10 as graded; 8 after adjustments; 2 days late, which costs 20 % of the points"
    assert account(adjusted(perfect, late_days=1)) == "10 as graded; 1 day late"
    assert (
        account(adjusted(perfect, late_days=None))
        == "10 as graded; handed in late; the number of days is not known yet"
    )


def test_days_that_a_person_set_are_told_with_the_reason(perfect):
    page = html.render(adjusted(perfect, ("late", 0, "ill")), figures=False)
    assert "Adjusted to 0 days late by Grace on 2026-11-23, because: ill</p>" in page
    assert '<p class="score">10 of 10</p>' in page


def test_what_a_person_judged_is_no_longer_open(report):
    """Item 2.2 holds a fault of the grader worth 3, item 5.1 is not graded here and worth 15."""
    assert undecided(report) == 3
    done = adjusted(report, ("2.2", 4, "looked"), ("5.1", 12, "read"))
    assert undecided(done) == 0
    assert done.skipped == report.skipped - 15
    assert headline(done).endswith("; 10 not graded here")
    page = html.render(done, figures=False)
    assert "Needs review" not in page
    assert '<td class="num">12 / 15</td>' in page
    assert "Adjusted to 12 of 15 points by Grace" in page
    assert '<td class="num">12 / 25</td>' in page
    assert '<td class="num">– / 10</td>' in page


def test_a_reason_is_as_hostile_as_any_text(perfect):
    page = html.render(adjusted(perfect, ("1.1", 5, "\x1b[31m\u202e<script>alert(1)</script>{{ 7*7 }}")), figures=False)
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "{{ 7*7 }}" in page


def test_the_terminal_tells_the_same(report):
    console = Console(record=True, width=120, file=io.StringIO())
    console.print(
        text.render(adjusted(report, ("2.2", 4, "looked"), ("5.1", 12, "read"), ("late", 1, "ill"), late_days=1))
    )
    told = console.export_text()
    assert "as graded" in told
    assert "1 day late" in told
    assert "2.2 Adjusted from 0 to 4 of 5 points by Grace on 2026-11-23, because: looked" in told
    assert "Adjusted to 1 day late by Grace" in told
    assert "12 / 25" in told
    assert "needs review: " not in told


def test_an_adjustment_of_an_item_that_is_not_there_changes_nothing(perfect):
    other = adjusted(perfect, ("9.9", 5, "gone"))
    assert other.final == perfect.score
    assert account(other) == ""
    text.render(other)


def test_one_point_waits_and_others_wait():
    told = [wait(value) for value in (1, 1.001, 0.5, 2)]
    assert told == ["1 point waits", "1 point waits", "0.5 points wait", "2 points wait"]
