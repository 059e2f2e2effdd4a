"""Autolab: a file per version."""

from __future__ import annotations


def test_the_last_version_counts_by_its_number(read):
    names = [f"ada_l@x.edu_{version}_handin.zip" for version in (2, 10, 1)]
    found = read(
        *names, "grace@x.edu_1_handin.zip", roster="Name,email\nAda,Ada_L@x.edu\nGrace,grace@x.edu\nBo,bo@x.edu\n"
    )
    assert set(found) == {"ada_l@x.edu", "grace@x.edu", "bo@x.edu"}
    ada = found["ada_l@x.edu"]
    assert (ada.parts[0][1].name, ada.name) == ("ada_l@x.edu_10_handin.zip", "Ada")
    assert ada.others == ("ada_l@x.edu_1_handin.zip", "ada_l@x.edu_2_handin.zip")
    assert not found["bo@x.edu"].parts
