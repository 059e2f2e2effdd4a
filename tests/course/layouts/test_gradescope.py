"""Gradescope: what its metadata names and is not there was handed in all the same."""

from __future__ import annotations

METADATA = """\
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@x.edu
  :created_at: 2026-12-02 02:52:07.938335000 Z
submission_12:
  :submitters:
  - :name: Grace Hopper
    :sid: '0043'
    :email: grace@x.edu
  - :name: Alan Turing
    :sid: '0044'
    :email: alan@x.edu
  :created_at: some day
submission_13:
  :submitters:
  - :name: Bo Ek
    :sid: '0045'
    :email: bo@x.edu
"""
ROSTER = (
    "First Name,Last Name,SID,Email,Role\nAda,Lovelace,0042,ada@x.edu,Student\nGrace,Hopper,0043,grace@x.edu,Student\n"
)
ROSTER += "Alan,Turing,0044,alan@x.edu,Student\nTa,Tutor,0099,ta@x.edu,TA\nProf,Essor,0098,prof@x.edu,Instructor\n"
ROSTER += "Cy,Lo,0046,cy@x.edu,Student\n"


def test_a_folder_that_is_not_there_is_a_problem_for_each_of_its_group(read):
    texts = {"submission_metadata.yml": METADATA}
    for roster in ("", ROSTER):
        found = read("submission_11/", "submission_13.zip", texts=texts, roster=roster)
        told = "submission_metadata.yml names submission_12, but it is not here; export the submissions again"
        assert {id_ for id_, one in found.items() if one.problem == told} == {"grace@x.edu", "alan@x.edu"}
        assert found["bo@x.edu"].problem == found["ada@x.edu"].problem == ""
        assert not found["grace@x.edu"].parts
    assert found["grace@x.edu"].ids["submitted_at"] == "some day"
    assert {"ta@x.edu", "prof@x.edu"}.isdisjoint(found)  # the staff handed in nothing, and need not
    assert (found["cy@x.edu"].problem, found["cy@x.edu"].parts) == ("", ())


def test_what_aliases_nest_is_no_name_and_no_time(read):
    nested = "a0: &a0 [x, y]\n" + "".join(f"a{at}: &a{at} [*a{at - 1}, *a{at - 1}]\n" for at in range(1, 40))
    metadata = METADATA.replace("Ada Lovelace", "*a39").replace("some day", "*a39").replace("'0045'", "{a: *a39}")
    found = read(
        "submission_11/", "submission_12/", "submission_13/", texts={"submission_metadata.yml": nested + metadata}
    )
    assert {(id_, one.name) for id_, one in found.items()} == {
        ("ada@x.edu", "submission_11"),
        ("grace@x.edu", "Grace Hopper"),
        ("alan@x.edu", "Alan Turing"),
        ("bo@x.edu", "Bo Ek"),
    }


def test_a_row_that_tells_a_time_of_submission_says_that_there_was_one(read):
    roster = "Name,SID,Email,Status,Submission ID,Submission Time\n"
    roster += "Ada Lovelace,0042,ada@x.edu,Graded,11,2026-12-02 02:52:07 -0800\n"
    roster += "Cy Lo,0046,cy@x.edu,Missing,,\nDi Oz,0047,di@x.edu,Ungraded,14,2026-12-02 02:52:07 -0800\n"
    found = read("submission_11/", texts={"submission_metadata.yml": METADATA}, roster=roster)
    assert found["cy@x.edu"].problem == ""
    assert found["di@x.edu"].problem.startswith(
        "the class list says that it was handed in (Ungraded), but it is not here"
    )


def test_work_without_an_owner_may_be_anyones_who_has_none(read):
    texts = {"submission_metadata.yml": METADATA}
    found = read("submission_11/", "submission_12/", "submission_13/", "submission_99/", texts=texts, roster=ROSTER)
    told = (
        "submission_99 has no owner in Gradescope's list and may belong to this student; export the submissions again"
    )
    assert {id_: one.problem for id_, one in found.items() if one.problem} == {"cy@x.edu": told}


def test_an_id_of_digits_stays_as_it_is_written(read):
    texts = {"submission_metadata.yml": METADATA + """\
submission_15:
  :submitters:
  - :name: Eve On
    :sid: 00123
    :email:
  :created_at: 2026-12-02 02:52:07.000000000 -08:00
"""}  # fmt: skip
    found = read("submission_15/", texts=texts)
    assert found["00123"].submitted_at is not None
    assert found["00123"].submitted_at.hour == 10
