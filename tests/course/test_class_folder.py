"""A class as each platform exports it: whose each submission is, and that hostile names stay names."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.course.class_folder import LAYOUTS, hidden, lone_entry, recognise
from grader.course.student import safe
from grader.errors import SubmissionError, UsageError
from grader.intake import submission
from grader.model import Student

pytestmark = pytest.mark.medium

WORK = "def f1(): pass\n"


def make(folder: Path, *names: str) -> Path:
    """Files below `folder`; a name that ends in / is a folder with functions.py in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = folder / (f"{name}functions.py" if name.endswith("/") else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(WORK)
    return folder


def by_id(entries: list[Student]) -> dict[str, Student]:
    assert len({entry.id.casefold() for entry in entries}) == len(entries)
    return {entry.id: entry for entry in entries}


def names(entry: Student) -> list[str]:
    return [name for name, _ in entry.parts]


def test_plain_folders_and_archives_are_named_after_their_students(tmp_path):
    make(tmp_path, "Lovelace, Ada/", "bob.zip", "cy.tar.gz", "notes.txt", ".DS_Store", "__MACOSX/", "eve.rar")
    found = by_id(recognise(tmp_path))
    assert {id_: entry.name for id_, entry in found.items()} == {
        "Lovelace-Ada": "Lovelace, Ada", "bob": "bob", "cy": "cy", "eve": "eve",
    }  # fmt: skip
    assert found["bob"].parts == (("bob.zip", tmp_path / "bob.zip"),)
    assert found["bob"].marked_late is None


def test_of_several_submissions_the_newest_counts_and_the_others_are_listed(tmp_path):
    make(tmp_path, "ada.zip", "ada (1).zip", "ada/", "bob.zip")
    for name, age in (("ada.zip", 20), ("ada (1).zip", 10), ("ada", 30)):
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    ada = by_id(recognise(tmp_path))["ada"]
    assert names(ada) == ["ada (1).zip"]
    assert ada.others == ("ada", "ada.zip")


def test_canvas(tmp_path):
    make(
        tmp_path, "lovelaceada_LATE_101_9001_hw 1.zip", "hopper_grace_102_9005_layers-1.py", "turingalan_104_text.html",
        "hopper_grace_102_9004_functions.py", "hopper_grace_102_9002_layers.py", "anon_a1B2c_9009_work_3_4.zip",
    )  # fmt: skip
    found = by_id(recognise(tmp_path))
    assert set(found) == {"lovelaceada-101", "hopper_grace-102", "turingalan-104", "anon_a1B2c"}
    assert (found["lovelaceada-101"].marked_late, found["lovelaceada-101"].ids) == (True, {"ID": "101"})
    assert names(found["lovelaceada-101"]) == ["hw 1.zip"]
    assert found["hopper_grace-102"].marked_late is False
    assert names(found["hopper_grace-102"]) == ["layers.py", "functions.py", "layers-1.py"]
    assert names(found["anon_a1B2c"]) == ["work_3_4.zip"]


GRADESCOPE = """\
---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0042'
    :email: ada@x.edu
  :created_at: 2026-11-20 23:58:11.123456000 Z
  :score: 1.0
  :history:
  - :created_at: 2026-11-19 10:00:00.000000000 Z
submission_12:
  :submitters:
  - :name: Grace Hopper
    :sid:
    :email: grace@x.edu
  - :name: Alan Turing
    :sid: '7'
    :email:
  :created_at: 2026-11-21 01:00:00 +0200
"""


def test_gradescope(tmp_path):
    export = make(tmp_path / "assignment_5_export", "submission_11/", "submission_12/", "submission_13/")
    (export / "submission_metadata.yml").write_text(GRADESCOPE)
    found = by_id(recognise(tmp_path))
    assert set(found) == {"ada@x.edu", "grace@x.edu", "7", "submission_13"}
    ada = found["ada@x.edu"]
    assert ada.submitted_at == datetime(2026, 11, 20, 23, 58, 11, 123456, tzinfo=UTC)
    assert ada.ids == {"Email": "ada@x.edu", "SID": "0042", "Submission ID": "11"}
    assert found["grace@x.edu"].parts == found["7"].parts == (("submission_12", export / "submission_12"),)
    assert found["7"].submitted_at == datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    assert found["submission_13"].submitted_at is None


@pytest.mark.parametrize("text", ["a: [", "- a list", "", "a: !ruby/object:Kernel {}", "\0"])
def test_damaged_metadata_is_a_sentence(tmp_path, text):
    make(tmp_path, "submission_1/")
    (tmp_path / "submission_metadata.yml").write_text(text)
    with pytest.raises(UsageError, match="export the submissions again, or add --layout plain"):
        recognise(tmp_path)
    assert [entry.id for entry in recognise(tmp_path, "plain")] == ["submission_1"]


def test_metadata_of_odd_kinds_costs_nobody_a_place(tmp_path):
    make(tmp_path, "submission_1/", "submission_2/", "submission_3/")
    (tmp_path / "submission_metadata.yml").write_text(
        "submission_1: {':submitters': [3], ':created_at': soon}\nsubmission_2: 7\nsubmission_3: {':submitters': x}\n"
    )
    assert [entry.id for entry in recognise(tmp_path)] == ["submission_1", "submission_2", "submission_3"]


def test_moodle(tmp_path):
    make(tmp_path, "Ada Lovelace_42_assignsubmission_file_/", "Grace Hopper_43_assignsubmission_file/", "extra/")
    found = by_id(recognise(tmp_path))
    assert set(found) == {"Ada-Lovelace-42", "Grace-Hopper-43", "extra"}
    assert found["Ada-Lovelace-42"].ids == {"Identifier": "Participant 42"}
    assert found["Ada-Lovelace-42"].name == "Ada Lovelace"


def test_moodle_without_folders(tmp_path):
    make(tmp_path, *(f"Ada Lovelace_42_assignsubmission_file_{name}" for name in ("layers.py", "functions.py")))
    (entry,) = recognise(tmp_path)
    assert names(entry) == ["functions.py", "layers.py"]


def test_a_file_that_is_called_like_a_classmates_is_still_ones_own(tmp_path):
    """The platform's words stand before the student's, who may choose any."""
    make(
        tmp_path,
        "Ann_11_assignsubmission_file_layers.py",
        "Zed_13_assignsubmission_file_x_11_assignsubmission_file_layers.py",
    )
    found = by_id(recognise(tmp_path))
    assert set(found) == {"Ann-11", "Zed-13"}
    make(tmp_path / "canvas", "ann_11_501_layers.py", "zed_13_502_ann_11_501_layers.py")
    assert {entry.name for entry in recognise(tmp_path / "canvas")} == {"ann", "zed"}


@pytest.mark.parametrize("above", ["hw1-submissions", "clones"])
def test_github_classroom(tmp_path, above):
    folder = make(tmp_path / above, "hw1-ada/", "hw1-grace-h/")
    for name in ("hw1-ada", "hw1-grace-h"):
        (folder / name / ".git").mkdir()
    found = by_id(recognise(tmp_path))
    assert {id_: entry.ids for id_, entry in found.items()} == {
        name: {"github_username": name, "student_repository_name": f"hw1-{name}"} for name in ("ada", "grace-h")
    }  # fmt: skip


def test_a_layout_can_be_forced(tmp_path):
    make(tmp_path, "doe_1_2_x.zip", "roe_3_4_y.zip")
    assert [entry.id for entry in recognise(tmp_path)] == ["doe-1", "roe-3"]
    assert [entry.id for entry in recognise(tmp_path, "plain")] == ["doe_1_2_x", "roe_3_4_y"]
    with pytest.raises(UsageError, match=f"no layout sakai; the layouts are {', '.join(LAYOUTS)}"):
        recognise(tmp_path, "sakai")


@pytest.mark.parametrize(
    ("made", "given", "says"),
    [
        ((), "", "contains no submission"),
        ((), "nowhere", "No such file"),
        (("all.zip",), "all.zip", "is a file; unpack it"),
        (("functions.py", "layers.py"), "", "one folder or archive per student"),
    ],
)
def test_what_is_no_class_is_a_sentence(tmp_path, made, given, says):
    make(tmp_path, *made)
    with pytest.raises(UsageError, match=says):
        recognise(tmp_path / given)


# Hostile names

HOSTILE = ["=cmd|' /C calc'!A0", "+1", "-x", "@SUM(1)", "..", "...", "\x1b[31mred", "<script>", "张伟", "con",
           "Ünïcödé", "COM1.x", "a\nb", "\u202eevil", " ", "%2e%2e", "&amp;", "'", '"', "$(id)", "~", "\udcff",
           "a" * 200]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_a_safe_id(name):
    assert_safe(safe(name))
    assert safe(name) == safe(name)


@given(st.text())
def test_any_name_becomes_a_safe_id(name):
    assert_safe(safe(name))


def assert_safe(id_: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._@-]*", id_)
    assert len(id_) <= 70
    assert not id_.endswith(".")
    assert id_.split(".")[0].lower() not in ("con", "nul", "com1", "lpt9")


SHAPES = [
    "{}_1_2_x.zip", "LATE_anon_{}_2_x.zip", "{}_7_assignsubmission_file", "HW_{}_attempt_2026-99-20-23-05-11_x.zip",
    "HW_{}_attempt_2026-11-20-23-05-11.txt", "1-2 - {} - Nov 20, 2026 1105 PM", "1-2 - x - {} 2026 2599",
    "{}+hw+2026-11-20", "{}@x_1_x.zip", "submission_{}", "{}",
]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(SHAPES), st.text(max_size=20)), min_size=1, max_size=6),
    st.sampled_from([*LAYOUTS]),
)
@settings(max_examples=60, deadline=None)
def test_no_name_breaks_a_layout(names, layout):
    with tempfile.TemporaryDirectory() as folder:
        for shape, own in names:
            name = shape.format(own).replace("/", "").replace("\0", "").encode("utf-8", "replace").decode()
            with suppress(OSError):
                (Path(folder) / name).mkdir()
        (Path(folder) / "submission_metadata.yml").write_text("{}")
        with suppress(UsageError):
            for one in recognise(Path(folder), layout):
                assert_safe(one.id)
                assert one.name.isprintable()


def test_a_folder_that_cannot_be_read_is_one_students_problem(tmp_path, monkeypatch):
    make(tmp_path, "ada/", "bob/")
    whole = Path.iterdir

    def refused(path):
        if path.name == "bob":
            raise PermissionError(13, "Permission denied")
        return whole(path)

    looked_at = os.stat

    def hidden(path, *given, **named):
        if isinstance(path, Path) and path.parent.name == "bob":
            raise PermissionError(13, "Permission denied")
        return looked_at(path, *given, **named)

    monkeypatch.setattr(Path, "iterdir", refused)
    monkeypatch.setattr(os, "stat", hidden)
    assert set(by_id(recognise(tmp_path))) == {"ada", "bob"}


def test_a_hostile_class_keeps_its_students_apart_and_their_names_printable(tmp_path):
    made = {name.replace("/", "").replace("\0", "") for name in HOSTILE} - {"..", "..."} | {"Ada B", "ada-b", "ADA B"}
    for name in made:
        make(tmp_path / name[:80], "functions.py")
    found = by_id(recognise(tmp_path))
    assert len(found) == len(made)
    for id_, entry in found.items():
        assert_safe(id_)
        assert entry.name.isprintable()


def test_a_name_that_begins_with_a_dot_is_told(tmp_path):
    make(tmp_path / "in", "ada/", "..evil/", ".bob.zip", ".git/", "._ada.zip", ".DS_Store", ".gitignore", ".a\u202eb/")
    assert [entry.id for entry in recognise(tmp_path / "in")] == ["ada"]
    assert hidden(tmp_path / "in") == ["..evil", ".ab", ".bob.zip"]
    make(tmp_path / "class" / "export", "x_1_2_a.zip", "y_3_4_b.zip", ".hidden/")
    assert hidden(tmp_path / "class") == [".hidden"]
    assert hidden(tmp_path / "class", "plain") == []


def test_metadata_cannot_name_a_file_outside(tmp_path):
    make(tmp_path, "submission_1/", "submission_2/")
    (tmp_path / "submission_metadata.yml").write_text(
        "submission_1: {':submitters': [{':email': '../../x', ':name': '=HYPERLINK(1)'}]}\n"
        "submission_2: {':submitters': [{':email': '.-x', ':name': ''}]}\n../../etc: {}\n"
    )
    found = recognise(tmp_path)
    assert len({entry.id for entry in found}) == 2
    for entry in found:
        assert_safe(entry.id)


# The roster

CANVAS_ROSTER = """\
Student,ID,SIS User ID,SIS Login ID,Section,HW 1 (55)
    Points Possible,,,,,100.00
"Lovelace, Ada",101,u1,ada,A,
"Hopper, Grace",102,u2,grace,A,
"Turing, Alan",103,u3,alan,B,
"Student, Test",104,,x,A,
"""


def roster(folder: Path, text: str) -> Path:
    path = folder / "roster.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


def test_a_roster_names_ids_and_those_who_handed_in_nothing(tmp_path):
    folder = make(tmp_path / "in", "lovelaceada_101_1_a.zip", "hoppergrace_102_2_b.zip", "evemallory_105_3_c.zip")
    found = by_id(recognise(folder, roster=roster(tmp_path, CANVAS_ROSTER)))
    assert set(found) == {"lovelaceada-101", "hoppergrace-102", "evemallory-105", "alan"}
    assert (found["lovelaceada-101"].name, found["lovelaceada-101"].ids["SIS User ID"]) == ("Lovelace, Ada", "u1")
    assert found["hoppergrace-102"].ids["SIS Login ID"] == "grace"
    assert (found["alan"].parts, found["alan"].name) == ((), "Turing, Alan")
    assert [entry.id for entry in found.values() if entry.unlisted] == ["evemallory-105"]


def test_a_student_has_the_same_id_with_and_without_the_roster(tmp_path):
    folder = make(tmp_path / "in", "lovelaceada_101_1_a.zip", "hoppergrace_102_2_b.zip")
    alone = {entry.id for entry in recognise(folder)}
    assert alone < {entry.id for entry in recognise(folder, roster=roster(tmp_path, CANVAS_ROSTER))}


def test_plain_folders_meet_the_roster_by_any_id_or_by_name(tmp_path):
    folder = make(tmp_path / "in", "ada/", "Grace Hopper/", "u3.zip")
    found = recognise(folder, roster=roster(tmp_path, CANVAS_ROSTER))
    assert {entry.id: entry.ids.get("ID") for entry in found} == {"ada": "101", "Grace-Hopper": "102", "u3": "103"}


def test_a_name_that_two_students_share_is_nobodys(tmp_path):
    folder = make(tmp_path / "in", "Jo Doe/")
    found = by_id(recognise(folder, roster=roster(tmp_path, "name,email\nJo Doe,jo1@x\nJo Doe,jo2@x\n")))
    assert set(found) == {"Jo-Doe", "jo1@x", "jo2@x"}
    assert found["Jo-Doe"].unlisted
    for id_ in ("jo1@x", "jo2@x"):
        assert found[id_].problem == (
            "Jo Doe may belong to this student or to another one with that name; name that folder or archive "
            "after an id, or add the platform's ids to the list"
        )


def test_a_line_that_stands_twice_in_the_roster_is_one_student(tmp_path):
    folder = make(tmp_path / "in", "carl.zip")
    (carl,) = recognise(folder, roster=roster(tmp_path, "Name,username\nCarl C,carl\nCarl C,carl\n"))
    assert (carl.id, carl.ids["username"], carl.unlisted) == ("carl", "carl", False)


def test_two_submissions_that_meet_one_line_of_the_roster_are_one_students(tmp_path):
    folder = make(tmp_path / "in", "ada.zip", "Ada Lovelace/")
    os.utime(folder / "ada.zip", (2e9, 2e9))
    (ada,) = recognise(folder, roster=roster(tmp_path, "Name,username\nAda Lovelace,ada\n"))
    assert (names(ada), ada.others, ada.name) == (["ada.zip"], ("Ada Lovelace",), "Ada Lovelace")


def test_a_name_joins_nobody_whose_id_is_another(tmp_path):
    folder = make(tmp_path / "in", "kimlee_103_1_a.zip", "kimlee_104_2_b.zip", "ada_105_3_c.zip")
    section = 'Student,ID,SIS Login ID\n"Lee, Kim",103,kim\n"L, Ada",105,ada\n'
    found = by_id(recognise(folder, roster=roster(tmp_path, section)))
    assert {id_: (entry.unlisted, entry.others) for id_, entry in found.items()} == {
        "ada-105": (False, ()), "kimlee-103": (False, ()), "kimlee-104": (True, ()),
    }  # fmt: skip
    (folder / "kimlee_103_1_a.zip").unlink()
    found = by_id(recognise(folder, roster=roster(tmp_path, section)))
    assert found["kimlee-104"].unlisted
    assert "kimlee may belong to this student or to another one with that name" in found["kim"].problem


def test_two_with_other_ids_that_meet_one_line_by_name_alone_are_a_doubt(tmp_path):
    folder = make(tmp_path / "in", "kimlee_103_1_a.zip", "kimlee_104_2_b.zip", "ada_105_3_c.zip")
    found = by_id(recognise(folder, roster=roster(tmp_path, "Name,Email\nKim Lee,kim@u\nAda,ada@u\n")))
    assert [entry.id for entry in found.values() if entry.unlisted] == ["kimlee-103", "kimlee-104"]
    assert "kimlee may belong to this student or to another one with that name" in found["kim@u"].problem
    assert found["ada-105"].ids["Email"] == "ada@u"


def test_a_column_of_other_numbers_than_the_platforms_contradicts_nobody(tmp_path):
    folder = make(tmp_path / "in", "kimlee_103_1_a.zip", "ada_105_3_c.zip")
    found = recognise(folder, roster=roster(tmp_path, "Name,ID\nKim Lee,30017\nAda,30018\n"))
    assert {entry.id: entry.ids["ID"] for entry in found} == {"kimlee-103": "30017", "ada-105": "30018"}


@pytest.mark.parametrize(
    ("text", "line"),
    [('Name,ID\n"Ada,1\nBob,2\n', 2), ('\n\nName,ID\nBob,2\n"Ada,1\nEve,3\n', 5), ('"Name,ID\nAda,1\n', 1)],
)
def test_a_quote_that_is_not_closed_swallows_nobody(tmp_path, text, line):
    folder = make(tmp_path / "in", "1.zip")
    with pytest.raises(UsageError, match=rf", line {line}, is not CSV .*is a quote missing\?"):
        recognise(folder, roster=roster(tmp_path, text))


def test_canvas_test_student_is_nobody_handed_in_or_not(tmp_path):
    folder = make(tmp_path / "in", "lovelaceada_101_1_a.zip", "studenttest_104_2_b.zip", "studenttest_105_3_c.zip")
    found = by_id(recognise(folder, roster=roster(tmp_path, CANVAS_ROSTER)))
    assert set(found) == {"lovelaceada-101", "grace", "alan", "studenttest-105"}
    assert found["studenttest-105"].unlisted


@pytest.mark.parametrize("header", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n'])
def test_excels_own_first_line_is_no_header(tmp_path, header):
    folder = make(tmp_path / "in", "ada/")
    (ada,) = recognise(folder, roster=roster(tmp_path, f'{header}identifier;username\n"a,b,c";ada\n'))
    assert (ada.ids["identifier"], ada.unlisted) == ("a,b,c", False)


def test_a_class_that_lies_one_folder_too_deep_is_seen(tmp_path):
    make(tmp_path / "class", "hw1/ada/", "hw1/bob.zip", "hw1/grades.csv", "README.md")
    assert lone_entry(tmp_path / "class") == tmp_path / "class" / "hw1"
    assert lone_entry(tmp_path / "class" / "hw1") is None
    make(tmp_path / "one", "ada/layers.py", "ada/notebooks/")
    assert lone_entry(tmp_path / "one") is None
    assert lone_entry(make(tmp_path / "packed", "all.zip", "README.md")) == tmp_path / "packed" / "all.zip"
    assert lone_entry(make(tmp_path / "two", "all.zip", "rest.zip")) is None
    make(tmp_path / "canvas" / "export", "x_1_2_a.zip", "y_3_4_b.zip")
    assert lone_entry(tmp_path / "canvas") is None


def test_what_lies_beside_a_platforms_own_files_is_somebodys(tmp_path):
    canvas = make(tmp_path / "canvas", "ada_1_2_a.zip", "bob_2_3_b.zip", "eve_3_4_e.zip", "carl.tar.zst",
                  "layers (from dan).py", "grades.csv")  # fmt: skip
    assert {"carl", "layers-from-dan-.py"} <= set(by_id(recognise(canvas)))
    assert "grades.csv" not in by_id(recognise(canvas))
    github = make(tmp_path / "hw1-submissions", "hw1-ada/", "hw1-bob/", "hw1-eve.zip")
    for name in ("ada", "bob"):
        (github / f"hw1-{name}" / ".git").mkdir()
    assert [entry.id for entry in recognise(github)] == ["ada", "bob", "hw1-eve"]


def test_moodles_worksheet_tells_times(tmp_path):
    folder = make(tmp_path / "in", "Ada Lovelace_42_assignsubmission_file_/")
    sheet = roster(
        tmp_path,
        "Identifier,Full name,Email address,Last modified (submission)\n"
        'Participant 42,Ada Lovelace,ada@x.edu,"Friday, 20 November 2026, 11:05 PM"\n'
        "Participant 43,Bo Ek,bo@x.edu,-\n",
    )
    found = by_id(recognise(folder, roster=sheet))
    assert set(found) == {"Ada-Lovelace-42", "bo@x.edu"}
    assert found["Ada-Lovelace-42"].submitted_at == datetime(2026, 11, 20, 23, 5).astimezone()
    assert found["bo@x.edu"].submitted_at is None


def test_a_roster_by_hand_may_tell_times_and_use_semicolons(tmp_path):
    folder = make(tmp_path / "in", "ada/")
    sheet = roster(tmp_path, "name;student_id;submitted_at\nada;1;2026-11-20T23:05:00+01:00\n")
    (ada,) = recognise(folder, roster=sheet)
    assert ada.submitted_at == datetime(2026, 11, 20, 23, 5, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("text", "says"), [("", "is empty"), ("a,b\n1,2\n", "names no student"), ("name\n", "names no")]
)
def test_what_is_no_roster_is_a_sentence(tmp_path, text, says):
    folder = make(tmp_path / "in", "ada/")
    with pytest.raises(UsageError, match=says):
        recognise(folder, roster=roster(tmp_path, text))
    with pytest.raises(UsageError, match="name the class list"):
        recognise(folder, roster=tmp_path / "nowhere.csv")


# Reading what lies side by side


def test_files_side_by_side_are_one_submission_and_the_later_of_one_name_counts(tmp_path):
    make(tmp_path, "x_1_5_layers.py", "x_1_6_layers-1.py", "x_1_7_functions.py", "x_1_8_plot.pdf")
    (tmp_path / "x_1_6_layers-1.py").write_text("newer = 1\n")
    (entry,) = recognise(tmp_path)
    read = submission.read(tmp_path, ["functions.py", "layers.py"], {}, name=entry.name, parts=entry.parts)
    assert read.files == {"functions.py": WORK.encode(), "layers.py": b"newer = 1\n"}
    assert read.name == "x"


def test_of_archives_side_by_side_the_last_with_any_work_counts(tmp_path):
    import zipfile

    for number, name in ((5, "functions.py"), (6, "functions.py"), (7, "other.txt")):
        with zipfile.ZipFile(tmp_path / f"x_1_{number}_hw.zip", "w") as archive:
            archive.writestr(name, f"number = {number}\n")
    make(tmp_path, "x_1_8_plot.pdf")
    (entry,) = recognise(tmp_path)
    read = submission.read(tmp_path, ["functions.py"], {}, parts=entry.parts)
    assert read.files == {"functions.py": b"number = 6\n"}


@pytest.mark.parametrize(
    ("handed_in", "says"),
    [
        (
            ("x_1_5_hw.pdf",),
            r"^\S+x_1_5_hw\.pdf is neither a folder, zip or tar nor one of layers\.py; pack the work as a zip$",
        ),
        (("x_1_5_empty.zip",), r"^x_1_5_empty\.zip holds none of layers\.py; hand in a folder, zip or tar of them$"),
        (
            ("x_1_5_empty.zip", "x_1_6_hw.pdf"),
            r"^x_1_5_empty\.zip, x_1_6_hw\.pdf hold none of layers\.py; hand in [^;]*$",
        ),
    ],
)
def test_of_files_side_by_side_a_students_own_are_named(tmp_path, handed_in, says):
    import zipfile

    make(tmp_path, "y_2_7_layers.py", *handed_in)
    for name in handed_in:
        if name.endswith(".zip"):
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                for base in ("a", "b") if "two" in name else ():
                    archive.writestr(f"{base}/layers.py", f"x = '{base}'\n")
    entry = by_id(recognise(tmp_path, "canvas"))["x-1"]
    with pytest.raises(SubmissionError, match=says):
        submission.read(tmp_path, ["layers.py"], {}, parts=entry.parts)


def test_a_student_whose_folder_lies_in_that_of_a_section_is_told_and_no_zero(tmp_path):
    place = make(tmp_path / "class", "A/ada/f1.py", "A/bo.zip", "B/Cy Doe/f1.py", "dee/f1.py")
    listed = roster(tmp_path, "id,name\nada,Ada\nbo,Bo\ncy,Cy Doe\ndee,Dee\neve,Eve\n")
    found = {one.id: one.problem for one in recognise(place, roster=listed) if one.problem}
    cure = "may be this student's work; move it up, beside the other submissions, or delete it"
    assert found == {"ada": f"A/ada {cure}", "bo": f"A/bo.zip {cure}", "cy": f"B/Cy Doe {cure}"}


@pytest.mark.parametrize(("file", "whose"), [("cy.txt", "77"), ("Cy Doe.pdf", "77"), ("77.html", "77"), ("n.txt", "")])
def test_a_note_that_is_named_as_a_student_without_work_is_told_and_no_zero(tmp_path, file, whose):
    place = make(tmp_path / "class", "ada/f1.py", "bo/f1.py", file)
    listed = roster(tmp_path, "id,name,SID\nada,Ada,1\nbo,Bo,2\ncy,Cy Doe,77\n")
    found = {one.id: one.problem for one in recognise(place, roster=listed) if one.problem}
    said = f"{file} may be this student's work; put it into a folder 77, or delete it"
    assert found == ({whose: said} if whose else {})
