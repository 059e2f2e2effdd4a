"""Class lists written in every way, and who of them is nobody."""

from __future__ import annotations

import pytest

from grader.course.class_folder import recognise
from grader.course.roster import column, read_roster
from grader.errors import UsageError


@pytest.fixture
def read(tmp_path):
    def made(roster, *names, encoding="utf-8"):
        for name in names:
            (tmp_path / "in" / name).mkdir(parents=True)
            (tmp_path / "in" / name / "functions.py").touch()
        (tmp_path / "roster.csv").write_bytes(roster.encode(encoding))
        return {one.id: one for one in recognise(tmp_path / "in", roster=tmp_path / "roster.csv")}

    return made


def test_every_kind_of_space_in_a_name_is_a_space(read):
    found = read('Name,username\n"Ada\u00a0Lovelace",ada\n"李\u3000伟",li\nBo\u2009Ek,bo\n', "ada", "Bo\u00a0Ek")
    assert {id_: one.name for id_, one in found.items()} == {"ada": "Ada Lovelace", "li": "李 伟", "Bo-Ek": "Bo Ek"}
    assert all(not one.unlisted for one in found.values())


@pytest.mark.parametrize(
    ("role", "stays"),
    [
        ("Teacher", False), ("Non-editing teacher", False), ("TA", False), ("Instructor", False),
        ("Course Designer", False),
        ("Trainer/in", False), ("Student", True), ("Learner", True), ("Student, TA", True), ("", True), ("Data", True),
    ],
)  # fmt: skip
def test_staff_need_not_hand_in(read, role, stays):
    found = read(f'Name,username,Role\nAda,ada,Student\nPat,pat,"{role}"\n', "ada")
    assert ("pat" in found) is stays


def test_staff_who_handed_in_are_graded(read):
    assert read("Name,username,Role\nAda,ada,Student\nPat,pat,TA\n", "ada", "pat")["pat"].parts


def test_a_group_of_folders_named_by_hand_is_its_members(read):
    found = read('Name,email,Groups\nAda,ada@x,"Team 1; Lab B"\nBo,bo@x,Team 1\nCy,cy@x,Team 2\n', "Team 1")
    assert {id_: bool(one.parts) for id_, one in found.items()} == {"ada@x": True, "bo@x": True, "cy@x": False}


def test_a_folder_named_after_a_student_is_no_groups(read):
    found = read("Name,email,Group\nAda L,ada@x,Bo Ek\nBo Ek,bo@x,Team 2\n", "Bo Ek")
    assert not found["ada@x"].parts
    assert found["Bo-Ek"].ids["email"] == "bo@x"


def test_a_table_in_utf_16_with_tabs_is_read(read):
    table = '"Last Name"\t"First Name"\t"Username"\t"Last Access"\nLovelace\tAda\tada\t2026-11-20\nEk\tBo\tbo\t\n'
    found = read(table, "ada", encoding="utf-16")  # fmt: skip
    assert (found["ada"].name, found["bo"].problem) == ("Ada Lovelace", "")


def test_titles_of_columns_are_compared_by_their_letters():
    row = {"E-Mail": "", "EMAIL": "ada@x", "First Name": "Ada"}
    assert (column(row, "Email"), column(row, "first_name"), column(row, "FirstName")) == ("ada@x", "Ada", "Ada")


def test_a_row_without_name_and_id_is_nobody(tmp_path):
    (tmp_path / "a.csv").write_text("Name,email,Section\n,,Manual Posting\nAda,,A\n")
    assert [row["Name"] for row in read_roster(tmp_path / "a.csv")] == ["Ada"]
    (tmp_path / "b.csv").write_bytes(b"Name\n\xff\xfe\xfd\n")
    with pytest.raises(UsageError, match=r"b\.csv is not UTF-8; save the class list as CSV in UTF-8"):
        read_roster(tmp_path / "b.csv")
