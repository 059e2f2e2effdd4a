"""nbgrader's columns and its rules."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from grader.course.export import nbgrader
from grader.model import Student

HEADER = (
    "assignment,duedate,timestamp,student_id,last_name,first_name,email,"
    "raw_score,late_submission_penalty,score,max_score"
)


def test_every_line_adds_up_as_nbgraders_do(rows, rubric):
    text = nbgrader.render(rows, rubric, "hw1")
    assert text.splitlines()[0] == HEADER
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [list(line.values()) for line in lines[:2]] == [
        ["hw1", "2026-11-20 23:59:00", "2026-11-20 12:00:00", "ada", "Lovelace", "Ada", "ada@x.org",
         "8.33", "0", "8.33", "15"],
        ["hw1", "2026-11-20 23:59:00", "2026-11-22 00:00:00", "doe", "Döe", "Jane", "", "7.33", "1.47", "5.87", "15"],
    ]  # fmt: skip
    for line in lines[:2]:
        assert float(line["score"]) == pytest.approx(
            max(0.0, float(line["raw_score"]) - float(line["late_submission_penalty"])), abs=0.011
        )


def test_a_student_is_called_as_in_the_class_list(rows, rubric):
    named = replace(
        rows[0], student=Student("Ada-Lovelace", rows[0].student.name, {"Name": "Ada Lovelace", "username": "al"})
    )
    (line,) = csv.DictReader(io.StringIO(nbgrader.render([named], rubric), newline=""))
    assert line["student_id"] == "al"


def test_nothing_handed_in_is_zero_without_a_time_and_the_unjudged_is_empty(rows, rubric):
    _, _, eve, nil, unread = csv.DictReader(io.StringIO(nbgrader.render(rows, rubric), newline=""))
    scores = ("raw_score", "late_submission_penalty", "score")
    assert [nil[key] for key in ("timestamp", *scores)] == ["", "0", "0", "0"]
    assert {eve[key] for key in scores} == {unread[key] for key in scores} == {""}


@pytest.mark.parametrize(
    ("name", "ids", "found"),
    [
        ("Lovelace, Ada", {}, ("Lovelace", "Ada")),
        ("Ada King Lovelace", {}, ("Lovelace", "Ada King")),
        ("Plato", {}, ("Plato", "")),
        ("a, b", {"First name": "Ada", "Last name": "Lovelace"}, ("Lovelace", "Ada")),
    ],
)
def test_names(rows, name, ids, found):
    assert nbgrader.names(replace(rows[0], student=Student("x", name, ids))) == found


def test_who_handed_in_nothing_has_the_id_of_nbgraders_own_list(rows, rubric):
    own = {"id": "nil7", "first_name": "Nil", "last_name": "Doe", "email": "nil@x.org", "lms_user_id": "9"}
    absent = replace(rows[3], student=replace(rows[3].student, id="nil@x.org", ids=own))
    (line,) = csv.DictReader(io.StringIO(nbgrader.render([absent], rubric)))
    assert (line["student_id"], line["email"], line["score"]) == ("nil7", "nil@x.org", "0")
