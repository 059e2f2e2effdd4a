"""A student found by what a person types, and known again under another id."""

from __future__ import annotations

import pytest

from grader.course.people import GONE, called, find, inside, same, with_gone
from grader.errors import UsageError
from grader.model import Student

CLASS = [
    Student(
        "smithjane-101", "Smith, Jane", {"ID": "101", "SIS Login ID": "jane", "email": "jane@x.org", "Section": "A"}
    ),
    Student("lee-1", "Lee, Kim", {"ID": "103", "Section": "A"}),
    Student("lee-2", "Lee, Kim", {"ID": "104", "Section": "B"}),
]


@pytest.mark.parametrize(
    "text",
    ["smithjane-101", "SmithJane-101", "101", "jane", "Jane@X.org", "Jane Smith", "Smith,\u00a0Jane", "smithjane"],
)
def test_a_student_is_found_by_id_name_or_e_mail(text):
    assert find(CLASS, text) is CLASS[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Kim Lee", "Kim Lee may be lee-1 or lee-2; use the id of the one you mean"),
        ("smith", "there is no student smith; did you mean smithjane-101?"),
        ("A", "there is no student A; did you mean smithjane-101?"),
        ("zed", "there is no student zed$"),
        ("0101", r"there is no student 0101; did you mean smithjane-101\?"),
        ("1", "there is no student 1; did you mean smithjane-101 or lee-1"),
    ],
)
def test_nobody_or_several_is_a_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        find(CLASS, text)


def test_a_platforms_id_tells_one_student_under_several_ids():
    found = same([(1, "jane", {"ID": "101", "Section": "A"}), (2, "smithjane-101", {"ID": "101"}),
                  (3, "doejane-101", {"id": "101"}), (3, "ek", {"ID": "102", "Section": "A"})])  # fmt: skip
    assert found["jane"] == found["doejane-101"] == {"jane", "smithjane-101", "doejane-101"}
    assert found["ek"] == {"ek"}


def test_two_in_one_run_are_two_whatever_they_share():
    found = same([(1, "a", {"Email": "x@y"}), (1, "b", {"Email": "x@y"}), (2, "c", {"Email": "x@y"}), (2, "a", {})])
    assert found["a"] == {"a"}


def test_whose_work_goes_while_a_run_is_stopped_is_told_and_no_zero():
    def one(id_, path=None, **ids):
        return Student(id_, id_, ids, path)

    before = [
        one("a", "a.zip"),
        one("doe-7", "7.zip", ID="7"),
        one("roe-8", "8.zip", ID="8"),
        one("b", "b.zip"),
        one("c"),
    ]
    now = [one("a"), one("doe", ID="7"), one("row-8", "8-1.zip", ID="8"), one("c"), one("new")]
    told = {one.id: one.problem == GONE for one in with_gone(now, before)}
    assert told == {"a": True, "doe": True, "row-8": False, "c": False, "new": False}  # b is in the class no more
    assert all(one.path is None for one in with_gone(now, before) if one.problem)
    assert with_gone(now, []) == now


def test_a_folder_in_somebodys_work_may_be_called_after_another_one_and_not_after_its_owner():
    found = inside(CLASS[0], ["jane/layers.py", "Smith Jane/notes.txt", "hw/bo/layers.py"])
    assert found["bo"] == "hw/bo in the work of smithjane-101"
    assert found.keys().isdisjoint({"jane", "smithjane", "janesmith", "smithjane-101"})


def test_two_words_of_a_files_name_may_be_somebodys_name_and_a_short_number_is_nobodys():
    assert {"jane_doe_hw1", "jane", "janedoe", "doehw1"} <= called("Jane_Doe_hw1.zip")
    assert "8" not in called("layers (8).py")
