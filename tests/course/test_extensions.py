"""Extensions: who gets which due date, and a sentence for each mistake in the file."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from grader.course.extensions import extended, read_extensions
from grader.errors import UsageError
from grader.model import Student

ZONE = ZoneInfo("America/New_York")
DUE = datetime(2026, 11, 1, 0, tzinfo=UTC)  # 20:00 on 31 October there, the evening before the clocks change
CLASS = [
    Student("ada@x", "Lovelace, Ada", {"Email": "ada@x", "Group": "Team A", "ID": "101"}),
    Student("bo-102", "Bo Ek", {"email": "bo@x", "Group": "Team A"}, "in/bo"),
    Student("cy", "Cy Lo", {"Group": "Team B"}),
]


def given(tmp_path, text, due=DUE):
    (tmp_path / "e.csv").write_text(text, encoding="utf-8")
    students, unknown = extended(CLASS, read_extensions(tmp_path / "e.csv", ZONE), due, ZONE)
    return {one.id: one.due for one in students if one.due}, unknown


@pytest.mark.parametrize("who", ["ada@x", "Ada Lovelace", "lovelace, ada", "101", "ADA@X"])
def test_a_student_is_named_by_id_name_or_e_mail_also_before_handing_in(tmp_path, who):
    assert given(tmp_path, f'student,due\n"{who}",2026-11-05\n') == (
        {"ada@x": datetime(2026, 11, 6, 4, 59, 59, tzinfo=UTC)},
        [],
    )


def test_days_are_calendar_days_and_a_students_own_line_counts_first(tmp_path):
    due, _ = given(tmp_path, "email,group,due,days\nbo@x,,2026-11-10T12:00,\n,team a,,2\n")
    assert due == {"ada@x": datetime(2026, 11, 3, 1, tzinfo=UTC), "bo-102": datetime(2026, 11, 10, 17, tzinfo=UTC)}


def test_whom_the_class_does_not_know_is_told(tmp_path):
    assert given(tmp_path, "student;group;days\nnobody;;1\n;Team Z;1\n") == ({}, ["Team Z", "nobody"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("student,due\nada@x,soon\n", r"e\.csv, line 2: soon is not a time; write it as 2026-11-27"),
        ("student,due\nada@x,\n", "line 2 needs either a due date or a number of days"),
        ("student,due,days\nada@x,2026-11-05,2\n", "line 2 needs either a due date or a number of days"),
        ("student,days\nada@x," + "9" * 5000 + "\n", "99999999999999999999 is not a number of days"),
        ("student,days\nada@x,1.5\n", "1.5 is not a number of days"),
        ("student,days\nada@x,-1\n", "-1 is not a number of days"),
        ("ada,2026-11-27,3\n", "holds one line, which names no column; put the titles of its columns above it"),
        ("due\n2026-11-05\n", "line 2 names no student and no group"),
        ('student,due\n"ada', "is a quote missing"),
        ("student,due\nada@x,2026-11-05\nADA@x,2026-11-06\n", "line 3 names ADA@x once more; leave one of the two"),
        ("group,days\nTeam A,1\nteam a,2\n", "line 3 names team a once more"),
        ("student,due\n\n\nada@x,soon\n", "line 4: soon"),
        ("\n\nstudent,due\nada@x,soon\n", "line 4: soon"),
        ("sep=;\r\nstudent;due\r\n\r\nada@x;soon\r\n", "line 4: soon"),
        ('student,note,due\nada@x,"one\n\ntwo",2026-11-05\nbo@x,"three\nfour",soon\n', "line 5: soon"),
        ('"student",due,"of\nwhom"\nada@x,soon\n', "line 3: soon"),
        ("", r"e\.csv is empty; save the extensions as CSV in UTF-8"),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path, text, says):
    with pytest.raises(UsageError, match=says):
        given(tmp_path, text)


def test_days_without_a_due_date_are_refused(tmp_path):
    with pytest.raises(UsageError, match="counts from the due date; give the due date with --due"):
        given(tmp_path, "student,days\nada@x,1\n", due=None)
    with pytest.raises(UsageError, match=r"nowhere\.csv cannot be read .*; name the extensions with --extensions"):
        read_extensions(tmp_path / "nowhere.csv")
