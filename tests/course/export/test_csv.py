"""The plain sheet: every student, every item, no cell that a spreadsheet evaluates."""

from __future__ import annotations

import csv as stdlib_csv
import io
from dataclasses import replace

import pytest

from grader.course.export import csv
from grader.course.export.sheet import cell
from grader.errors import UsageError
from grader.model import Adjustment, Remarks


def read(text):
    assert text.startswith("\ufeff")
    return list(stdlib_csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_line_for_everyone_with_items_and_sums(rows, rubric):
    ada, doe, eve, nil, unread = read(csv.render(rows, rubric))
    assert list(ada) == [
        "student", "name", "state", "SIS Login ID", "Email", "SIS User ID", "Identifier", "ID",
        "2.1", "2.3", "5.1", "score", "adjusted", "late_days", "penalty_percent", "final", "possible",
    ]  # fmt: skip
    assert [ada[key] for key in ("2.1", "2.3", "5.1", "score", "final", "possible")] == [
        "5", "3.33", "", "8.33", "8.33", "15",
    ]  # fmt: skip
    assert [doe[key] for key in ("2.1", "score", "adjusted", "late_days", "penalty_percent", "final")] == [
        "4", "3.33", "7.33", "2", "20", "5.87",
    ]  # fmt: skip
    assert [row["state"] for row in (ada, doe, eve, nil, unread)] == [
        "graded", "graded", "needs review", "not handed in", "not graded",
    ]  # fmt: skip
    assert (eve["score"], eve["final"]) == ("8.33", "")  # never a silent zero
    assert {nil[key] for key in ("2.1", "2.3", "score", "final")} == {""}
    assert doe["name"] == "Döe, Jane"


def test_a_name_is_one_line_and_no_formula(rows, rubric):
    text = csv.render(rows, rubric)
    assert len(text.splitlines()) == 6
    assert read(text)[2]["name"] == '\'=HYPERLINK("http://example.invalid";"x") Eve, Ma;l'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\uff1d1", "\x1b[0m=1"])
def test_what_begins_as_a_formula_is_made_a_text(text):
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["Ada", "a=b", "3.5", "", "O'Neil", "x-y@z.org"])
def test_any_other_text_stays(text):
    assert cell(text) == text


def test_what_a_person_judged_is_no_longer_open(rows, rubric):
    by_hand = Remarks((Adjustment("ada", "5.1", 12, "Grace", rows[0].due, "read it"),))
    rows[0] = replace(rows[0], report=replace(rows[0].report, remarks=by_hand))
    ada, doe, *_ = read(csv.render(rows, rubric))
    assert (ada["5.1"], ada["final"], ada["possible"]) == ("12", "20.33", "30")
    assert doe["5.1"] == ""


def test_a_class_without_any_report_has_the_rubrics_items(rows, rubric):
    (nil,) = read(csv.render(rows[3:4], rubric))
    assert (nil["2.1"], nil["possible"]) == ("", "15")


def test_another_homeworks_rubric_is_refused(rows, rubric):
    with pytest.raises(UsageError, match=r"item 2\.1 was graded, but the rubric has none; name the right one with"):
        csv.render(rows, replace(rubric, tasks=rubric.tasks[:1]))


def test_ids_are_kept_however_their_columns_are_spelled(rows, rubric):
    spelled = {"EMAIL": "ada@x.org", "student_id": "0042", "NetID": "al1", "Section": "A", "login_id": "l"}
    rows[0] = replace(rows[0], student=replace(rows[0].student, ids=spelled))
    rows[1] = replace(rows[1], student=replace(rows[1].student, ids={"Email": "doe@x.org"}))
    ada, doe = read(csv.render(rows[:2], rubric))
    assert [ada[name] for name in ("EMAIL", "student_id", "NetID", "login_id")] == ["ada@x.org", "0042", "al1", "l"]
    assert doe["EMAIL"] == "doe@x.org"
    assert "Section" not in ada
