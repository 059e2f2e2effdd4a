"""GitHub Classroom: its two class lists, and clones with and without their .git."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

CLONES = ("hw-1-submissions/hw-1-ada-l/", "hw-1-submissions/hw-1-grace/", "hw-1-submissions/hw-1-alan-t/")
GRADES = """\
"assignment_name","github_username","roster_identifier","student_repository_name","submission_timestamp","points_awarded"
"hw 1","ada-l","Lovelace, Ada (i02)","hw-1-ada-l","2026-11-22 23:59:59 UTC","0"
"hw 1","grace","Hopper, Grace (i01)","hw-1-grace","2026-11-19 23:59:59 UTC","0"
"hw 1","alan-t","Turing, Alan (i01)","hw-1-alan-t","","0"
"hw 1","bo","Ek, Bo (i01)","hw-1-bo","2026-11-19 23:59:59 UTC","0"
"""
ROSTER = """\
"identifier","github_username","github_id","name"
"Lovelace, Ada (i02)","ada-l","40261856",""
"Turing, Alan (i01)","alan-t","124","Alan"
"Ek, Bo (i01)","","",""
"Lo, Cy (i01)","empty-repo","125",""
"""


def test_grades_tell_the_time_and_what_is_not_there(read):
    found = read(*CLONES, roster=GRADES)
    assert found["ada-l"].submitted_at == datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    assert found["ada-l"].name == "Lovelace, Ada (i02)"
    assert found["alan-t"].submitted_at is None
    assert found["bo"].problem == (
        "the class list says that it was handed in (2026-11-19 23:59:59 UTC), but it is not here; "
        "export the submissions again"
    )


def test_the_roster_names_those_without_an_account(read):
    found = read(*CLONES, roster=ROSTER)
    assert {id_: one.name for id_, one in found.items() if not one.parts} == {
        "Ek-Bo-i01": "Ek, Bo (i01)", "empty-repo": "Lo, Cy (i01)",
    }  # fmt: skip
    assert (found["alan-t"].name, found["ada-l"].name) == ("Alan", "Lovelace, Ada (i02)")
    assert found["grace"].unlisted


@pytest.mark.parametrize("git", [True, False])
def test_clones_are_known_by_their_folder_or_their_git(read, git):
    above = "clones" if git else "hw-1-submissions"
    extra = [f"{above}/hw-1-{name}/.git/" for name in ("ada", "bo")] if git else []
    assert set(read(f"{above}/hw-1-ada/", f"{above}/hw-1-bo/", *extra)) == {"ada", "bo"}


def test_a_teams_repository_is_its_members(read):
    roster = "github_username,group_name,roster_identifier\nada,team-1,i1\nbo,team-1,i2\n"
    found = read("hw-1-submissions/hw-1-team-1/", "hw-1-submissions/hw-1-cy/", roster=roster)
    assert found["ada"].parts == found["bo"].parts != ()


def test_another_assignments_clone_hides_nobodys(read):
    place = "hw-1-submissions/"
    found = read(*CLONES, *(f"{place}{name}/.git/" for name in ("hw-1-ada-l", "hw-1-grace", "hw-2-bo")), roster=GRADES)
    assert {id_ for id_, one in found.items() if one.parts and not one.unlisted} == {"ada-l", "grace", "alan-t"}
    assert {id_ for id_, one in found.items() if one.unlisted} == {"hw-2-bo"}
    assert found["bo"].problem


@pytest.mark.parametrize("git", ["", ".git/"])
def test_classroom_50_names_the_folder_otherwise_and_lists_each_submission(read, git):
    place = "cs-hw-1_submissions_2026_11_21_T_10_00_00/cs-hw-1-"
    roster = "username,first_name,last_name,email,score,datetime,submission_tag,late\n"
    roster += "Bo-Ek,Bo,Ek,b@x,3,2026-11-20T23:05:00Z,submit/2,true\nBo-Ek,Bo,Ek,b@x,1,2026-11-19T23:05:00Z,submit/1,\n"
    roster += "bo-li,Bo,Li,l@x,,,,\ncy,Cy,Co,c@x,,,,\ndi,Di,Du,d@x,2,2026-11-20T23:05:00Z,submit/1,\n"
    found = read(*(f"{place}{user}/{git}" for user in ("bo-ek", "bo-li")), roster=roster)
    assert {id_: one.name for id_, one in found.items() if one.parts} == {"bo-ek": "Bo Ek", "bo-li": "Bo Li"}
    assert found["bo-ek"].submitted_at == datetime(2026, 11, 20, 23, 5, tzinfo=UTC)
    assert found["bo-li"].submitted_at is None
    assert found["c@x"].problem == ""
    assert "it was handed in (2026-11-20T23:05:00Z), but it is not here" in found["d@x"].problem
