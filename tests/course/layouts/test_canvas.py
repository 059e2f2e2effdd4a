"""Canvas: anonymous names, LATE, groups, and the rows of its gradebook that are nobody."""

from __future__ import annotations

import pytest

HEAD = "Student,ID,SIS User ID,SIS Login ID,Section,HW 1 (55)\n"
POSTING = ",,,,,Manual Posting\n    Points Possible,,,,,100.00\n"
ADA, GRACE, ALAN = (
    '"Lovelace, Ada",101,u1,ada,A,\n',
    '"Hopper, Grace",102,u2,grace,A,\n',
    '"Turing, Alan",103,u3,alan,B,\n',
)


def test_late_before_an_anonymous_name_is_canvas_own_word(read):
    found = read(
        "LATE_anon_abc12_901_hw.zip", "LATE_anon_Xy9_902_hw.zip", "anon_q1w2e_903_hw.zip", "LATE_anon_z_text.html"
    )
    assert {id_: one.marked_late for id_, one in found.items()} == {
        "anon_abc12": True, "anon_Xy9": True, "anon_q1w2e": False, "anon_z": True,
    }  # fmt: skip
    assert all(id_ == one.name for id_, one in found.items())


def test_numbers_in_the_names_of_anonymous_files_merge_nobody(read):
    found = read("anon_abc12_901_1_2_hw.zip", "anon_def34_902_1_2_hw.zip", "LATE_anon_12345_903_1_2_hw.zip")
    assert set(found) == {"anon_abc12", "anon_def34", "anon_12345"}
    assert [one.parts[0][0] for one in found.values()] == ["1_2_hw.zip"] * 3


def test_an_anonymous_id_of_digits_among_others_is_an_id(read):
    assert set(read("anon_12345_901_a.zip", "anon_q1w2e_902_b.zip")) == {"anon_12345", "anon_q1w2e"}


def test_a_student_called_anon_is_one(read):
    found = read("anon_101_9001_hw.zip", "lovelaceada_102_9002_hw.zip")
    assert {id_: one.ids for id_, one in found.items()} == {"anon-101": {"ID": "101"}, "lovelaceada-102": {"ID": "102"}}


def test_a_number_at_the_end_of_names_is_nobodys_id(read):
    names = (
        "team_2_101_9001_hw.zip",
        "crew_2_102_9002_1_2_hw.zip",
        "band_2_LATE_104_9005_hw.zip",
        "ada_103_9003_2_2026_hw.zip",
    )
    found = read(*names, "ada_103_9004_layers.py")
    assert {id_: one.marked_late for id_, one in found.items()} == {
        "team_2-101": False, "crew_2-102": False, "band_2-104": True, "ada-103": False,
    }  # fmt: skip
    assert len(found["ada-103"].parts) == 2


def test_work_whose_number_may_be_a_students_is_not_nothing_handed_in(read):
    found = read("team_2_101_9001_hw.zip", "hoppergrace_102_9002_hw.zip", roster=HEAD + ADA + GRACE + ALAN)
    assert "team may belong to this student or" in found["ada"].problem
    assert found["alan"].problem == ""


def test_anonymous_work_beside_a_class_list_is_not_nothing_handed_in(read):
    found = read("anon_abc12_901_a.zip", "anon_def34_902_b.zip", roster=HEAD + ADA + GRACE)
    assert [one.unlisted for one in found.values() if one.parts] == [True, True]
    assert {found[id_].problem for id_ in ("ada", "grace")} == {
        "anon_abc12 is anonymous and may belong to this student; export the submissions with names"
    }


@pytest.mark.parametrize(
    "roster",
    [
        HEAD + POSTING + ADA + GRACE + ALAN + '"Student, Test",104,,abcdef,A,\n',
        "LastName,FirstName,ID,SIS User ID,SIS Login ID,Section,HW 1 (55)\n    Points Possible,,,,,,100.00\n"
        "Lovelace,Ada,101,u1,ada,A,\nHopper,Grace,102,u2,grace,A,\nTuring,Alan,103,u3,alan,B,\nStudent,Test,104,,ab,A,\n",
        HEAD + "    Nombre de points possibles,,,,,100\n" + ADA + GRACE + ALAN + '"Student, Test",104,,abcdef,A,\n',
    ],
    ids=["manual posting", "two columns of names", "another language"],
)
def test_rows_of_the_gradebook_that_are_nobody_are_left_out(read, roster):
    found = read(
        "lovelaceada_101_9001_hw.zip", "hoppergrace_102_9002_hw.zip", "studenttest_104_9003_hw.zip", roster=roster
    )
    assert set(found) == {"lovelaceada-101", "hoppergrace-102", "alan"}
    assert found["alan"].problem == ""
    assert found["lovelaceada-101"].ids["SIS Login ID"] == "ada"


def test_the_files_of_one_attempt_belong_together(read):
    (ada,) = read("ada_101_3_part2.zip", "ada_101_2_part1.zip", "ada_101_4_text.html", layout="canvas").values()
    assert [name for name, _ in ada.parts] == ["part1.zip", "part2.zip", "text.html"]


def test_each_member_gets_the_work_of_the_group(read):
    roster = "name,canvas_user_id,login_id,group_name\nAda Lovelace,101,ada,Team 1\n"
    roster += "Grace Hopper,102,grace,Team 1\nBo Ek,103,bo,Team 2\n"
    found = read("team1_102_9001_hw.zip", roster=roster)
    assert {id_: bool(one.parts) for id_, one in found.items()} == {"ada": True, "grace": True, "bo": False}
    assert found["ada"].name == "Ada Lovelace"


def test_groups_that_the_class_list_does_not_tell_are_not_nothing_handed_in(read):
    found = read("team1_101_9001_hw.zip", "team2_103_9002_hw.zip", roster=HEAD + ADA + GRACE + ALAN)
    assert (
        found["grace"].problem
        == "team1 may belong to this student's group; if groups handed in, add a column Group to the class list"
    )


def test_ids_that_a_spreadsheet_sorted_apart_from_the_names_are_a_question(read):
    roster = 'Student,ID,SIS Login ID,Section\n"Doe, Jane",102,jane,A\n"Ek, Bo",101,bo,A\n"Co, C",103,cc,A\n'
    found = read(*(f"{name}_9001_hw.zip" for name in ("doejane_101", "ekbo_102", "coc_103")), roster=roster)
    assert {id_ for id_, one in found.items() if one.parts and not one.unlisted} == {"coc-103"}
    assert found["jane"].problem
    assert found["bo"].problem


def test_what_was_typed_alone_is_told(read):
    found = read("doejane_101_link.html", "ekbo_102_9001_hw.zip", "ekbo_102_text.html")
    told = (
        "only text or a link was typed, which doejane_101_link.html holds; read it, and put the work that it leads to"
    )
    assert {id_: one.problem for id_, one in found.items()} == {
        "doejane-101": f"{told} in its place",
        "ekbo-102": "",
    }
