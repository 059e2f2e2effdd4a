"""Blackboard: attempts and receipts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from endless import expect_end

ROSTER = "Name,username\nAda Lovelace,ada\nGrace Hopper,grace\nBo Ek,bo\n"
RECEIPT = """\
Name: Ada Lovelace (a_da)
Assignment: HW_1
Date Submitted: Friday, November 20, 2026 11:05:11 PM EST

Files:
\tOriginal filename: hw.zip
\tFilename: HW_1_a_da_attempt_2026-11-20-23-05-11_hw.zip
"""


def test_the_newest_attempt_counts_and_is_joined_to_the_class_list(read):
    heads = [f"HW 1_ada_attempt_2026-11-{day}-23-05-11" for day in (19, 20)]
    names = [
        f"{head}{end}" for head in [*heads, "HW 1_grace_attempt_2026-11-20-23-05-11"] for end in (".txt", "_hw.zip")
    ]
    found = read(*names, roster=ROSTER, zone="America/New_York")
    assert {id_: bool(one.parts) for id_, one in found.items()} == {"ada": True, "grace": True, "bo": False}
    ada = found["ada"]
    assert ada.parts[0][1].name == "HW 1_ada_attempt_2026-11-20-23-05-11_hw.zip"
    assert ada.others == ("hw.zip",)
    assert ada.submitted_at == datetime(2026, 11, 21, 4, 5, 11, tzinfo=UTC)


def test_the_files_of_one_attempt_are_one_submission(read):
    head = "HW 1_ada_attempt_2026-11-20-23-05-11"
    (ada,) = read(f"{head}.txt", f"{head}_layers.py", f"{head}_functions.py").values()
    assert [name for name, _ in ada.parts] == ["functions.py", "layers.py"]


def test_the_receipt_tells_the_username_where_underscores_do_not(read):
    head = "HW_1_a_da_attempt_2026-11-20-23-05-11"
    (ada,) = read(f"{head}_hw.zip", texts={f"{head}.txt": RECEIPT}).values()
    assert (ada.id, ada.name, ada.ids) == ("a_da", "Ada Lovelace", {"username": "a_da"})


@pytest.mark.parametrize("users", [("ada", "grace"), ("a_da", "g_race"), ("u1", "u2")])
def test_without_receipts_all_share_the_title(read, users):
    assert set(read(*(f"HW_1_{user}_attempt_2026-11-20-23-05-11_hw.zip" for user in users))) == set(users)


def test_what_the_receipt_names_and_is_not_there_is_a_problem(read):
    head = "HW_1_a_da_attempt_2026-11-20-23-05-11"
    (ada,) = read(layout="blackboard", texts={f"{head}.txt": RECEIPT}).values()
    assert ada.problem == f"Blackboard's receipt names {head}_hw.zip, but it is not here; export the submissions again"


def test_an_attempt_of_words_alone_is_no_absence(read):
    found = read("HW 1_ada_attempt_2026-11-20-23-05-11.txt", "HW 1_bo_attempt_2026-11-20-23-05-11_a.zip", roster=ROSTER)
    assert found["ada"].problem == "the attempt has no file; read its text on Blackboard"


@pytest.mark.parametrize("comment", [f"Name: {' ' * 500_000}x", f"Name: {'(' * 500_000}x", "\n" * 500_000])
def test_what_a_student_wrote_in_a_receipt_keeps_nobody_waiting(read, comment):
    head = "HW_1_a_da_attempt_2026-11-20-23-05-11"
    receipt = f"Comments: {comment}\n{comment}\n{RECEIPT}"
    with expect_end():
        (ada,) = read(f"{head}_hw.zip", texts={f"{head}.txt": receipt}).values()
    assert ada.ids == {"username": "a_da"}


@pytest.mark.parametrize("told", [19, 20])
def test_an_attempt_without_a_receipt_is_the_same_students(read, told):
    heads = {day: f"HW_1_a_da_attempt_2026-11-{day}-23-05-11" for day in (19, 20)}
    texts = {f"{heads[told]}.txt": RECEIPT.replace(heads[20], heads[told])}
    (ada,) = read(*(f"{head}_hw.zip" for head in heads.values()), texts=texts).values()
    assert (ada.id, ada.name, ada.others) == ("a_da", "Ada Lovelace", ("hw.zip",))
