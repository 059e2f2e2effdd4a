"""Two students are never one: in no layout, under no spelling, in no export, page, file name or key of the database."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata
from pathlib import Path

import pytest

from grader.course.class_folder import recognise
from grader.course.gradebook import Gradebook
from grader.course.pages import AUDIENCES, path_of
from grader.course.student import exactly, safe, unique
from grader.model import Student

PAIRS = {
    "a character that is not safe": ("ada-l@uni.edu", "ada+l@uni.edu"),
    "two that are not": ("ada+l@uni.edu", "ada'l@uni.edu"),
    "a quote": ("o-brien@uni.edu", "o'brien@uni.edu"),
    "case": ("ada@uni.edu", "Ada@uni.edu"),
    "composed and not": ("josé@uni.edu", unicodedata.normalize("NFD", "josé@uni.edu")),
    "an accent": ("jose@uni.edu", "josé@uni.edu"),
    "full width": ("ada@uni.edu", "ａda@uni.edu"),
    "a sharp s": ("gross@uni.edu", "groß@uni.edu"),
    "letters that are dropped": ("李雷@uni.edu", "韩梅@uni.edu"),
    "the ends": ("ada", "_ada_"),
    "length": (f"{'a' * 80}1@uni.edu", f"{'a' * 80}2@uni.edu"),
}
METADATA = """\
submission_1:
  :submitters:
  - :name: Ada Lovelace
    :email: {}
  :created_at: 2026-11-20 10:00:00 Z
submission_2:
  :submitters:
  - :name: Ada Lovelace
    :email: {}
  :created_at: 2026-11-21 10:00:00 Z
"""


def both(values: tuple[str, str]) -> list[str]:
    return [json.dumps(value, ensure_ascii=False) for value in values]


def hand_in(folder: Path, *names: str) -> None:
    """Folders of these names, each with a file that says whose it is."""
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "functions.py").write_text(f"# {name}\n", encoding="utf-8")


def layouts(folder: Path, pair: tuple[str, str]) -> dict[str, list[str]]:
    """For each layout the names of what two students of those ids handed in."""
    one, other = pair
    return {
        "gradescope": ["submission_1", "submission_2"],
        "blackboard": [f"HW_{who}_attempt_2026-11-20-23-05-11_functions.py" for who in pair],
        "brightspace": [f"{at}-9 - {who} - Nov 20, 2026 1105 PM" for at, who in enumerate(pair, 1)],
        "autolab": [f"{who}_1_hw.zip" for who in pair],
        "canvas": [f"{who.replace('_', '')}_{at}_{at}_hw.zip" for at, who in enumerate(pair, 1)],
        "moodle": [f"{who}_{at}_assignsubmission_file" for at, who in enumerate(pair, 1)],
        "nbgrader": [f"{who}+hw+2026-11-20 10:00:00 UTC" for who in pair],
        "github": [f"hw-{one}", f"hw-{other}"],
        "plain": [one, other],
    }


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("layout", layouts(Path(), ("a", "b")))
def test_two_students_of_one_safe_spelling_are_two(tmp_path, layout, pair):
    if layout == "autolab" and "@" not in pair[0]:
        pair = tuple(f"{name}@uni.edu" for name in pair)
    if layout == "nbgrader":
        pair = tuple(name.replace("+", "&") for name in pair)
    names = layouts(tmp_path, pair)[layout]
    hand_in(tmp_path, *names)
    if layout == "gradescope":
        (tmp_path / "submission_metadata.yml").write_text(METADATA.format(*both(pair)), encoding="utf-8")
    found = recognise(tmp_path, layout)
    assert len(found) == 2
    assert len({one.id.casefold() for one in found}) == 2
    assert sorted(path.name for one in found for _, path in one.parts) == sorted(names)
    assert not any(one.others for one in found)
    again = recognise(tmp_path, layout)
    assert [one.id for one in again] == [one.id for one in found]


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
def test_a_class_list_keeps_them_apart_with_and_without_work(tmp_path, pair):
    hand_in(tmp_path / "in", "submission_1", "submission_2")
    told = METADATA.format(*both(pair)).replace("submission_2", "submission_3")
    (tmp_path / "in" / "submission_metadata.yml").write_text(told, encoding="utf-8")
    table = io.StringIO()
    csv.writer(table).writerows([("Name", "Email"), *(("Ada Lovelace", email) for email in pair)])
    (tmp_path / "roster.csv").write_text(table.getvalue(), encoding="utf-8")
    found = {one.ids.get("Email", ""): one for one in recognise(tmp_path / "in", "gradescope", tmp_path / "roster.csv")}
    assert [path.name for _, path in found[pair[0]].parts] == ["submission_1"]
    assert not found[pair[1]].parts
    assert "submission_3" in found[pair[1]].problem


@pytest.mark.parametrize("pair", [pair for pair in PAIRS.values() if pair[0].casefold() != pair[1].casefold()])
def test_an_id_is_never_that_of_another_student_in_another_run(tmp_path, pair):
    """Each is alone in a run, so that nothing shows that the safe spelling is another's, too."""
    ids = []
    for email in pair:
        folder = tmp_path / str(len(ids))
        hand_in(folder, "submission_1")
        told = METADATA.partition("submission_2")[0].format(json.dumps(email))
        (folder / "submission_metadata.yml").write_text(told, encoding="utf-8")
        ids += [one.id.casefold() for one in recognise(folder)]
    assert len(set(ids)) == 2


def test_what_keeps_two_apart_is_not_a_third_ones_name():
    twins = [Student("ada", "Ada", own_id=own) for own in ("ada", "Ada")]
    suffixed = [one.id for one in unique(twins)]
    liars = [Student(id_, "Eve", own_id=id_) for id_ in suffixed]
    same = Student("ada", "Ada", own_id="ada")
    found = unique([*twins, *liars, same, same])
    assert len({one.id.casefold() for one in found}) == 6


def test_no_students_page_is_another_ones_page_for_staff():
    ids = [safe(name) for name in ("ada", "ada.staff", "ADA.Staff", "ada.staff.staff")]
    students = unique([Student(id_, id_, own_id=name) for name, id_ in zip("abcd", ids, strict=True)])
    paths = [path_of(one.id, audience).casefold() for one in students for audience in AUDIENCES]
    assert len(set(paths)) == len(paths)


def test_an_id_of_a_platforms_that_is_safe_stays_as_it_is():
    assert [exactly(id_) for id_ in ("ada@uni.edu", "ada_l", "0042", "s.o-n")] == [
        "ada@uni.edu",
        "ada_l",
        "0042",
        "s.o-n",
    ]
    assert exactly("ada+l@uni.edu").startswith("ada-l@uni.edu-")


def test_the_gradebook_holds_both(tmp_path):
    pair = PAIRS["a character that is not safe"]
    hand_in(tmp_path / "in", "submission_1", "submission_2")
    (tmp_path / "in" / "submission_metadata.yml").write_text(METADATA.format(*both(pair)), encoding="utf-8")
    found = recognise(tmp_path / "in")
    with Gradebook.create(tmp_path / "out") as book:
        run = book.begin(seed=1)
        book.enter(run, found)
        assert {one.ids["Email"]: one.id for one in book.students(run)} == {one.ids["Email"]: one.id for one in found}


# Links


@pytest.mark.skipif(sys.platform == "win32", reason="making a link needs a right there")
@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("plain", "eve"),
        ("canvas", "eve_1_2_hw.zip"),
        ("moodle", "Eve_7_assignsubmission_file"),
        ("brightspace", "1-2 - Eve - Nov 20, 2026 1105 PM"),
        ("autolab", "eve@x.edu_1_hw.zip"),
        ("blackboard", "HW_eve_attempt_2026-11-20-23-05-11_hw.zip"),
        ("github", "hw-eve"),
        ("nbgrader", "eve+hw+2026-11-20 10:00:00 UTC"),
    ],
)
def test_a_students_folder_that_is_a_link_is_not_followed(tmp_path, layout, name):
    hand_in(tmp_path / "elsewhere", "secret")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).symlink_to(tmp_path / "elsewhere" / "secret")
    (tmp_path / "in" / "dan").mkdir()
    found = {one.id: one for one in recognise(tmp_path / "in", layout)}
    (eve,) = [one for one in found.values() if "eve" in one.id.casefold()]
    assert not eve.parts
    assert "is a link, which is not followed" in eve.problem


@pytest.mark.skipif(sys.platform == "win32", reason="making a link needs a right there")
def test_neither_is_a_link_further_down_or_around_the_class(tmp_path):
    hand_in(tmp_path / "elsewhere", "hw")
    (tmp_path / "elsewhere" / "hw" / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")
    course = tmp_path / "course"
    hand_in(course, "ada/hw")
    (course / "ada" / "hw" / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")
    (course / "eve").symlink_to(tmp_path / "elsewhere")
    found = {one.id: one for one in recognise(course, "nbgrader")}
    assert (bool(found["ada"].parts), bool(found["eve"].parts)) == (True, False)
    lone = tmp_path / "lone"
    lone.mkdir()
    (lone / "eve").symlink_to(course)
    assert [(one.id, one.parts) for one in recognise(lone)] == [("eve", ())]
