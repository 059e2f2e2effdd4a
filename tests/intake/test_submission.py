"""What is handed in, in every form it comes in: which of its files count."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from packing import NESTED, STUBS, WANTED, WORK, put, tarred, zipped

from grader.errors import SubmissionError
from grader.intake import archive
from grader.intake.submission import digest, read


@pytest.mark.parametrize(
    "form",
    [
        "folder",
        "flat",
        "zip",
        "tar",
        "tar.gz",
        "tar.bz2",
        "tar.xz",
        "zip in a folder",
        "zip in zip",
        "tar.xz in a folder",
        "tbz2 in zip",
    ],
)
def test_the_same_work_is_the_same_submission_however_it_is_packed(tmp_path, form):
    path = tmp_path / "ada"
    match form:
        case "folder":
            put(path, NESTED)
        case "flat":
            put(path, WORK)
        case "zip":
            path = zipped(tmp_path / "ada.zip", NESTED)
        case "zip in a folder":
            path.mkdir()
            zipped(path / "final.zip", NESTED)
        case "tar.xz in a folder":
            path.mkdir()
            tarred(path / "final.tar.xz", NESTED, "w:xz")
        case "tbz2 in zip":
            inner = tarred(tmp_path / "inner.tbz2", NESTED, "w:bz2").read_bytes()
            path = zipped(tmp_path / "ada.zip", {"hw/inner.tbz2": inner})
        case "zip in zip":
            inner = zipped(tmp_path / "inner.zip", NESTED).read_bytes()
            path = zipped(tmp_path / "ada.zip", {"hw/inner.zip": inner, "hw/notes.txt": b"see inner"})
        case _:
            path = tarred(tmp_path / f"ada.{form}", NESTED, f"w:{form[4:]}")
    found = read(path, WANTED, STUBS)
    assert found.files == WORK
    assert found.name == "ada"
    assert found.digest == digest(WORK)
    assert found.notes == ()
    assert found.origin["layers.py"].endswith("layers.py")


def test_the_name_of_an_archive_does_not_matter_and_a_name_can_be_given(tmp_path):
    found = read(zipped(tmp_path / "upload.dat", NESTED), WANTED, STUBS, name="Ada")
    assert (found.name, found.files) == ("Ada", WORK)


def test_a_single_file_is_a_submission(tmp_path):
    found = read(put(tmp_path, {"layers.py": b"x = 1\n"}) / "layers.py", WANTED, STUBS)
    assert found.files == {"layers.py": b"x = 1\n"}
    assert found.notes == ("not in this submission: functions.py, part1.ipynb",)


def test_junk_is_passed_over(tmp_path):
    junk = ("__MACOSX/ada", "__pycache__", ".ipynb_checkpoints", ".git", "venv/lib", "node_modules", "x/site-packages")
    put(tmp_path, WORK | {f"{folder}/layers.py": b"junk" for folder in junk} | {"._layers.py": b"\0"})
    assert read(tmp_path, WANTED, STUBS).files == WORK


@pytest.mark.parametrize("name", ["Layers.py", "layers (1).py", "layers-2.py", "LAYERS.PY"])
def test_a_name_that_is_nearly_right_is_taken_and_noted(tmp_path, name):
    found = read(put(tmp_path, {"functions.py": b"f = 1", name: b"l = 1"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"l = 1"
    assert f"{name} was taken as layers.py" in found.notes


def test_the_right_name_wins_over_one_that_is_nearly_right(tmp_path):
    found = read(put(tmp_path, {"layers.py": b"right", "layers (1).py": b"older"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"right"


def test_of_two_candidates_the_one_that_differs_from_the_stub_counts(tmp_path):
    handout = STUBS["layers.py"].replace(b"\n", b"\r\n")
    found = read(put(tmp_path, {"a/layers.py": handout, "b/layers.py": b"mine", "c/layers.py": b"mine"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"mine"


def test_two_that_differ_are_an_error_that_lists_both(tmp_path):
    put(tmp_path, {"a/layers.py": b"one", "b/layers.py": b"two", "c/layers.py": STUBS["layers.py"]})
    with pytest.raises(SubmissionError, match=r"2 different layers\.py: a/layers\.py, b/layers\.py; leave the one"):
        read(tmp_path, WANTED, STUBS)


def test_an_untouched_handout_is_a_submission(tmp_path):
    assert read(put(tmp_path, dict(STUBS)), WANTED, STUBS).files == STUBS


PICTURES = (*WANTED, "*.jpg", "*.PNG")


def test_files_of_a_wanted_ending_come_along(tmp_path):
    for name in ("layers.py", "cat.JPG", "sub/dog-1.jpg", "sub/dog-2.png", ".hidden.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = read(tmp_path, PICTURES, {})
    assert set(found.files) == {"layers.py", "cat.JPG", "dog-1.jpg", "dog-2.png"}
    assert found.origin["dog-1.jpg"] == "sub/dog-1.jpg"
    assert not any("*" in note for note in found.notes)
    assert found.digest != read(tmp_path, WANTED, {}).digest


def test_pictures_alone_are_no_submission(tmp_path):
    (tmp_path / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(SubmissionError, match="holds none of"):
        read(tmp_path, PICTURES, {})
    with zipfile.ZipFile(tmp_path / "work.zip", "w") as archive:
        archive.writestr("layers.py", "x = 1")
    assert set(read(tmp_path, PICTURES, {}).files) == {"cat.jpg", "layers.py"}


def test_of_a_whole_data_set_only_some_files_are_taken(tmp_path):
    (tmp_path / "layers.py").write_bytes(b"")
    for number in range(archive.BESIDE + 5):
        (tmp_path / f"{number:03}.jpg").write_bytes(b"")
    found = read(tmp_path, PICTURES, {})
    assert len(found.files) == 1 + archive.BESIDE
    (note,) = [note for note in found.notes if "not read" in note]
    assert note.startswith("not read: 100.jpg, 101.jpg, 102.jpg and 2 more; of pictures, at most 100 of 32 MiB each")


def test_pictures_that_are_too_large_are_noted_and_cost_no_other_file(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "FILE", 1000)
    monkeypatch.setattr(archive, "BESIDE_ROOM", 1500)
    sizes = {"a.jpg": 1001, "b.jpg": 900, "c.jpg": 900, "d.jpg": 500}
    (tmp_path / "layers.py").write_bytes(b"")
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    found = read(tmp_path, PICTURES, {})
    assert set(found.files) == {"layers.py", "b.jpg", "d.jpg"}
    assert any(note.startswith("not read: a.jpg, c.jpg; of pictures") for note in found.notes)


NOTEBOOKS = ("layers.py", "part1.ipynb", "part2.ipynb")


@pytest.mark.parametrize(
    "name",
    [
        "Copy of part1.ipynb",
        "part1_final.ipynb",
        "hw3_layers_part1.ipynb",
        "Part_1.ipynb",
        "part1-checkpoint.ipynb",
        "PART 1 (2).ipynb",
        "Task 5, part-1 v10.IPYNB",
        "part1_2.ipynb",
    ],
)
def test_a_notebook_is_told_by_the_name_within_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "layers.py").write_bytes(b"")
    found = read(tmp_path, NOTEBOOKS, {})
    assert found.files["part1.ipynb"] == b"{}"
    assert f"{name} was taken as part1.ipynb" in found.notes


@pytest.mark.parametrize("name", ["part12.ipynb", "part1 and part2.ipynb", "part3.ipynb", "part1.html", "apart.ipynb"])
def test_other_names_are_no_notebooks(tmp_path, name):
    (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "layers.py").write_bytes(b"")
    assert set(read(tmp_path, NOTEBOOKS, {}).files) == {"layers.py"}


def test_the_nearer_name_counts_and_two_far_ones_are_noted(tmp_path):
    (tmp_path / "layers.py").write_bytes(b"")
    for name in ("part1_a.ipynb", "part1_b.ipynb", "copy/part1_a.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(Path(name).name.encode())
    stub = {"part1.ipynb": b"part1_b.ipynb"}
    assert read(tmp_path, NOTEBOOKS, stub).files["part1.ipynb"] == b"part1_a.ipynb"
    found = read(tmp_path, NOTEBOOKS, {})
    assert set(found.files) == {"layers.py"}
    assert any("may each be part1.ipynb, so none was taken; leave the one that counts" in note for note in found.notes)
    assert "not in this submission: part1.ipynb, part2.ipynb" in found.notes
    (tmp_path / "part1 (1).ipynb").write_bytes(b"near")
    assert read(tmp_path, NOTEBOOKS, {}).files["part1.ipynb"] == b"near"
