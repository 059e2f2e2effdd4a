"""Decisions of several people at once, comments whose points change for all, requests, and extensions by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import reviewing

from grader.course import comments, decisions, extensions, requests
from grader.course.decisions import Conflict, Decision
from grader.course.extensions import Extension
from grader.course.gradebook import Gradebook
from grader.errors import UsageError
from grader.model import Student

MOST = {"2.1": 3.0, "2.2": 2.0, "6.1": 10.0}


@pytest.fixture
def book(tmp_path):
    with Gradebook.open(reviewing.a_class(tmp_path, 4, 4)) as book:
        yield book


def decide(book, student, points, seen=0, author="Ada", **more):
    decisions.decide(book, [Decision(student, "6.1", points, seen, **more)], author=author, most=MOST)
    return standing(book, student).id


def standing(book, student):
    return decisions.standing(book)[student, "6.1"]


def points(book, student):
    given = book.in_force(student).get("6.1")
    return given and given.points


def test_a_decision_that_did_not_see_the_last_one_is_not_recorded(book):
    first = decide(book, "s000", 7, why="Fine.")
    with pytest.raises(Conflict, match=r"Ada gave 7 points for 6.1 in the meantime; nothing of yours was recorded"):
        decide(book, "s000", 3, author="Ben")
    assert points(book, "s000") == 7
    decide(book, "s000", 3, seen=first, author="Ben")
    book.adjust("s000", "6.1", 1, why="by command", author="Eve")
    with pytest.raises(Conflict, match="Eve gave 1 points"):
        decide(book, "s000", 4, seen=standing(book, "s000").id - 1)


def test_of_a_group_all_are_recorded_or_none(book):
    decide(book, "s001", 2)
    given = [Decision(f"s00{at}", "6.1", 5, 0, why="alike") for at in range(3)]
    with pytest.raises(Conflict):
        decisions.decide(book, given, author="Ben", most=MOST)
    assert [points(book, f"s00{at}") for at in range(3)] == [None, 2, None]


def test_what_is_sent_twice_is_there_once(book):
    for _ in range(3):
        decide(book, "s000", 7, why="Fine.")
    assert len(book.adjustments("s000")) == 1


def test_undo_goes_back_step_by_step_through_ones_own_decisions(book):
    first = decide(book, "s000", 7)
    second = decide(book, "s000", 8, seen=first)
    decide(book, "s001", 1)
    for expected in ((8, None), (7, None), (None, None)):
        decisions.undo(book, "Ada")
        assert (points(book, "s000"), points(book, "s001")) == expected
    with pytest.raises(UsageError, match="nothing here that could be taken back"):
        decisions.undo(book, "Ada")
    assert second
    decide(book, "s002", 7)
    decide(book, "s002", 5, seen=standing(book, "s002").id, author="Ben")
    with pytest.raises(Conflict):
        decisions.undo(book, "Ada")
    assert points(book, "s002") == 5


@pytest.mark.parametrize("wrong", [-0.1, 10.1, float("nan"), float("inf")])
def test_points_that_an_item_does_not_have_are_refused(book, wrong):
    with pytest.raises(UsageError, match=r"are not possible for item 6.1; give 0 to 10"):
        decide(book, "s000", wrong)
    assert book.adjustments() == []


def test_when_a_comments_points_change_everyone_who_has_it_changes(book):
    number, _ = decisions.word(book, "Not yours.", -2, author="Ada", item="6.1", most=MOST)
    other, _ = decisions.word(book, "Neat.", 1, author="Ada", item="6.1", most=MOST)
    assert decisions.word(book, "Not yours.", -2, author="Ben", item="6.1", most=MOST) == (number, [])
    decide(book, "s000", 10, comments=(number,), why="See above.")
    decide(book, "s001", 1, comments=(number, other))
    replaced = decide(book, "s002", 10, comments=(number,))
    decide(book, "s002", 10, seen=replaced)  # has it no more
    assert [points(book, f"s00{at}") for at in range(3)] == [8, 0, 10]
    assert book.in_force("s000")["6.1"].why == "Not yours. See above."
    _, changed = decisions.word(book, "Not your own.", -5, author="Ben", comment=number, most=MOST, seen=-2)
    assert sorted(changed) == ["s000", "s001"]
    assert [points(book, f"s00{at}") for at in range(3)] == [5, 0, 10]
    assert book.in_force("s000")["6.1"].why == "Not your own. See above."
    assert book.in_force("s000")["6.1"].author == "Ben"
    with pytest.raises(UsageError, match=r"someone changed the comment to -5 points in the meantime"):
        decisions.word(book, "x", -1, author="Ada", comment=number, most=MOST, seen=-2)
    with pytest.raises(UsageError, match=r"item 2.1 has no comment"):
        decisions.decide(book, [Decision("s000", "2.1", 1, 0, (number,))], author="Ada", most=MOST)


def test_requests_are_read_from_a_table_and_a_folder_and_none_is_lost(book, tmp_path):
    table = tmp_path / "form.csv"
    table.write_text("Timestamp,Student ID,Item,Request\nnow,9000,2.1,Right!\nnow,9001,,All of it\nnow,77,2.1,Who?\n"
                     "now,9002,9.9,Which?\nnow,9003,2.1,\n")  # fmt: skip
    students = book.students()
    new, problems = requests.take_in(book.database, table, students, MOST, author="form")
    assert new == 2
    assert [one.partition(": ")[2] for one in problems] == [
        "77 is nobody in this class; name the student by an id of the platform",
        "the request of s002 is on 9.9; the items are 2.1, 2.2, 6.1",
        "the request of s003 is empty; type what the student asks for",
    ]
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "s002 2.2.txt").write_text("ReLU is right.")
    (folder / "9003.txt").write_text("Please look again.")
    assert requests.take_in(book.database, folder, students, MOST, author="texts") == (2, [])
    assert requests.take_in(book.database, folder, students, MOST, author="texts") == (0, [])
    found = [(one.student, one.item, one.granted) for one in requests.all_of(book.database)]
    assert sorted(found) == [("s000", "2.1", None), ("s001", "", None), ("s002", "2.2", None), ("s003", "", None)]
    (folder / "ada.txt").symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="is a link, which is not followed"):
        requests.take_in(book.database, folder, students, MOST, author="texts")


def test_a_request_is_answered_once_and_read_by_the_student(book):
    requests.put(book.database, "s000", "2.1", "Right!", author="form", items=MOST)
    (asked,) = requests.all_of(book.database)
    requests.answer(book, asked, True, "So it is.", author="Ada", seen=0, points=3, most=MOST)
    with pytest.raises(UsageError, match="Ada answered this request in the meantime"):
        requests.answer(book, asked, False, "No.", author="Ben", seen=0, most=MOST)
    assert book.in_force("s000")["2.1"].points == 3
    assert [one.text for one in book.remarks("s000").comments] == ["Your request was granted: So it is."]
    (answered,) = requests.all_of(book.database)
    requests.reopen(book, answered, author="Ada")
    assert book.in_force("s000") == {}
    assert book.remarks("s000").comments == ()


def test_a_comment_without_points_is_taken_back_and_still_known(book):
    number = comments.say(book.database, "s000", "6.1", "work.py:3", "The axis.", author="Ada")
    assert [(one.place, one.text) for one in book.remarks("s000").comments] == [("work.py:3", "The axis.")]
    comments.take_back(book.database, number, author="Ben")
    assert book.remarks("s000").comments == ()
    assert book.database.rows("SELECT text FROM remarks") == [("The axis.",)]


def test_an_extension_by_hand_is_keyed_by_the_platforms_id_and_survives_a_rename(book):
    due = datetime(2026, 11, 20, 22, tzinfo=UTC)
    extensions.grant(book.database, Extension("9000", "", None, 3), author="Ada", why="ill")
    extensions.grant(book.database, Extension("", "Team A", None, 1), author="Ada", why="moved")
    extensions.grant(book.database, Extension("9999", "", due + timedelta(days=9), 0), author="Ada", why="not here yet")
    given = [one.extension for one in extensions.granted(book.database)]
    renamed = Student("lovelace", "Ada Lovelace", {"Student ID": "9000"})
    member = Student("ben", "Ben", {"Student ID": "9001", "Group": "team a"})
    later = Student("carl", "Carl", {"Student ID": "9999"})
    other = Student("dora", "Dora", {"Student ID": "9003"}, due=due)
    found = extensions.by_hand([renamed, member, later, other], given, due, UTC, book.known_as)
    assert [one.due and (one.due - due).days for one in found] == [3, 1, 9, 0]
    assert [one.due for one in extensions.by_hand([renamed], given, None, UTC, book.known_as)] == [None]
    extensions.grant(book.database, Extension("9000", "", None, 0), author="Ben", why="taken back")
    assert [one.extension.student for one in extensions.granted(book.database)] == ["", "9999"]
    with pytest.raises(UsageError, match="needs a student or a group, a reason"):
        extensions.grant(book.database, Extension("9000", "", None, 2), author="Ada", why=" ")
