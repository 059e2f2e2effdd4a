"""What is handed in, in every form it comes in: which of its files count."""

from __future__ import annotations

import json
import py_compile
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from packing import NESTED, STUBS, WANTED, WORK, put, tarred, zipped

from grader.errors import SubmissionError
from grader.intake import archive
from grader.intake.choice import digest
from grader.intake.submission import prepare, read, read_here, stubs
from grader.model import Take
from grader.sandbox.launch import FORKS, ROOT


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


def test_an_empty_file_is_called_empty(tmp_path):
    """What it lacks is told as not implemented; without this, a file that was never saved would look unread."""
    found = read(put(tmp_path / "ada", WORK | {"layers.py": b"\n\n"}), WANTED, STUBS)
    assert "layers.py is empty; save it, and hand it in again" in found.notes


def test_junk_is_passed_over(tmp_path):
    junk = ("__MACOSX/ada", "__pycache__", ".ipynb_checkpoints", ".git", "venv/lib", "node_modules", "x/site-packages")
    put(tmp_path, WORK | {f"{folder}/layers.py": b"junk" for folder in junk} | {"._layers.py": b"\0"})
    assert read(tmp_path, WANTED, STUBS).files == WORK


def test_what_jupyter_saved_by_itself_counts_where_there_is_no_other(tmp_path):
    saved = ".ipynb_checkpoints/layers-checkpoint.py"
    work = {"functions.py": b"f", saved: STUBS["layers.py"] + b"\nmine = 1\n"}
    assert read(put(tmp_path / "a", work), WANTED, STUBS).files["layers.py"] == work[saved]
    found = read(put(tmp_path / "b", work | {"layers.py": b"newer"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"newer"


@pytest.mark.parametrize(
    "name",
    ["\u200flayers.py", "layers\u200e.py", "layers\u200b.py", "layers\u00a0(1).py", "lay\u00aders.py", "layers\n.py"],
)
def test_a_name_with_characters_that_nobody_sees_is_the_name(tmp_path, name):
    for path in (put(tmp_path / "ada", {"functions.py": b"f", name: b"l = 1"}),
                 zipped(tmp_path / "ada.zip", {"functions.py": b"f", name: b"l = 1"})):  # fmt: skip
        found = read(path, WANTED, STUBS)
        assert (found.files["layers.py"], found.questions) == (b"l = 1", {})
        assert found.origin["layers.py"].isprintable()


def test_a_notebook_that_is_cut_off_never_beats_a_whole_one(tmp_path):
    whole = cells("x = 1")
    found = read(put(tmp_path / "a", {"part1.ipynb": whole[:-9], "part1 (1).ipynb": whole}), WANTED, STUBS)
    assert found.files["part1.ipynb"] == whole
    found = read(put(tmp_path / "b", {"part1 (1).ipynb": whole[:-9], "functions.py": b"f"}), WANTED, STUBS)
    assert "may be part1.ipynb, but is a notebook that is cut off" in found.questions["part1.ipynb"]
    assert read(put(tmp_path / "c", {"part1.ipynb": whole[:-9]}), WANTED, STUBS).files["part1.ipynb"] == whole[:-9]


def test_a_notebook_that_is_cut_off_is_a_question_where_it_may_be_a_script(tmp_path):
    cut = cells("def fc_forward(x): return x")[:-20]
    found = read(put(tmp_path, {"functions.py": b"f", "layers.ipynb": cut}), WANTED, STUBS)
    assert found.questions["layers.py"] == (
        "layers.ipynb may be layers.py, but is a notebook that is cut off; hand in the whole one"
    )


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


def test_two_that_differ_are_a_question_that_lists_both(tmp_path):
    put(
        tmp_path,
        {"a/layers.py": b"one", "b/layers.py": b"two", "c/layers.py": STUBS["layers.py"], "functions.py": b"f"},
    )
    found = read(tmp_path, WANTED, STUBS)
    assert found.files == {"functions.py": b"f"}
    assert found.questions == {
        "layers.py": "2 different files may be layers.py: a/layers.py, b/layers.py; leave the one that counts"
    }
    assert found.notes == ("not in this submission: part1.ipynb",)
    assert {"a/layers.py", "b/layers.py", "c/layers.py"} <= set(found.there)


def taken(file: str, name: str = "layers.py") -> Take:
    return Take("ada", file, name, "Kim", datetime(2026, 11, 20, tzinfo=UTC), "she said so")


def test_a_person_says_which_counts_also_inside_an_archive_and_under_any_name(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"old/layers.py": b"two", "my notes.docx": b"three"}).read_bytes()
    put(tmp_path / "ada", {"a/layers.py": b"one", "b.zip": inner, "functions.py": b"f"})
    for file, content in (("a/layers.py", b"one"), ("b.zip/old/layers.py", b"two"), ("b.zip/my notes.docx", b"three")):
        found = read(tmp_path / "ada", WANTED, STUBS, takes=[taken(file)])
        assert found.files["layers.py"] == content
        assert not found.questions
        assert f"{file} was taken as layers.py by Kim, because: she said so" in found.notes
    found = read(tmp_path / "ada", WANTED, STUBS, takes=[taken("gone.py")])
    assert found.questions == {"layers.py": "gone.py, which Kim took as layers.py, is not in this submission"}


def test_a_stub_never_beats_work_whatever_their_names(tmp_path):
    stub = STUBS["layers.py"].replace(b"\n", b"  \r\n\r\n")
    for at, other in enumerate(("layers (1).py", "Layers.py", "Copie de layers.py", "hw1_layers.py", "solution.zip")):
        content = b"def fc(): return 2"
        if other.endswith(".zip"):
            content = zipped(tmp_path / "one.zip", {"layers.py": content}).read_bytes()
        found = read(put(tmp_path / str(at), {"layers.py": stub, other: content}), WANTED, STUBS)
        assert found.files["layers.py"] == b"def fc(): return 2"
    found = read(put(tmp_path / "blank", {"layers.py": b" \n", "layers copy.py": b"def fc(): return 2"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"def fc(): return 2"
    assert "layers copy.py was taken as layers.py, since layers.py holds no work" in found.notes
    found = read(
        put(tmp_path / "above", {"hw/layers.py": b"\n", "layers copy.py": b"def fc(): return 2"}), WANTED, STUBS
    )
    assert "layers copy.py was taken as layers.py, since hw/layers.py holds no work" in found.notes


def test_who_reads_at_once_imports_what_reads_and_who_only_begins_does_not(tmp_path):
    """Else each of many readers would import it."""
    put(tmp_path / "ada", {"layers.py": b"def fc(): return 2"})
    asked = f"pathlib.Path({str(tmp_path / 'ada')!r}), ['layers.py'], {{}}"
    for function, is_imported in (("read", True), ("begin", not FORKS)):
        code = (
            "import pathlib, sys\nfrom grader.intake import submission\n"
            f"submission.{function}({asked}); print(submission.CHOICE in sys.modules)"
        )
        run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert run.stdout == f"{is_imported}\n"


def cells(*sources: str, **extra: object) -> bytes:
    told = [{"cell_type": "code", "source": [source], "outputs": [], "metadata": {}} | extra for source in sources]
    return json.dumps({"cells": told, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def test_a_notebook_that_was_handed_out_for_a_script_never_beats_work(tmp_path):
    handed_out = {"hw/layers.py": STUBS["layers.py"], "hw/layers.ipynb": cells("def fc():", "    out = None")}
    work = {"layers.ipynb": handed_out["hw/layers.ipynb"], "layers_final.ipynb": cells("def fc(): return 2")}
    found = read(put(tmp_path / "ada", work), WANTED, STUBS | stubs(handed_out, WANTED))
    assert found.origin["layers.py"] == "layers_final.ipynb"


def test_an_untouched_notebook_is_one_whatever_was_saved_with_it(tmp_path):
    stubs = {"part1.ipynb": cells("import torch", "class Network:", "    pass", "x = 1")}
    opened = cells("import torch", "class Network:", "    pass", "x = 1", execution_count=3, metadata={"id": "a"})
    work = cells("import torch", "class Network:", "    pass", "x = 2")
    put(tmp_path, {"part1.ipynb": opened, "Kopie von part1.ipynb": work})
    assert read(tmp_path, ("part1.ipynb",), stubs).files["part1.ipynb"] == work
    (tmp_path / "Kopie von part1.ipynb").rename(tmp_path / "Untitled7.ipynb")
    found = read(tmp_path, ("part1.ipynb",), stubs)
    assert found.questions["part1.ipynb"].startswith("Untitled7.ipynb may be part1.ipynb")
    (tmp_path / "Untitled7.ipynb").unlink()
    assert read(tmp_path, ("part1.ipynb",), stubs).files["part1.ipynb"] == opened
    for name in ("part1.ipynb.json", "part1.html", "part1.py", "part1.ipynb.txt"):
        other = put(tmp_path / name, {name: work})
        assert read(other, ("part1.ipynb",), stubs).files["part1.ipynb"] == work


def test_a_name_that_is_far_off_counts_by_what_the_file_defines(tmp_path):
    found = read(put(tmp_path / "a", {"hw1_layers.py": b"def fc(): return 2", "functions.py": b"f"}), WANTED, STUBS)
    assert found.files["layers.py"] == b"def fc(): return 2"
    found = read(put(tmp_path / "b", {"layers_notes.py": b"x = 1", "functions.py": b"f"}), WANTED, STUBS)
    assert found.files == {"functions.py": b"f"}
    assert "layers_notes.py was not taken as layers.py, because it defines none of its functions" in found.notes
    found = read(put(tmp_path / "c", {"solution.py": b"def fc(): return 2", "functions.py": b"f"}), WANTED, STUBS)
    assert found.questions == {
        "layers.py": "solution.py may be layers.py, because its content looks like it; hand it in as layers.py"
    }
    found = read(put(tmp_path / "d", {"layers.py": b"work", "layers - Copy.py": b"older"}), WANTED, STUBS)
    assert "layers - Copy.py was not taken, because layers.py counts as layers.py" in found.notes


def test_comments_and_layout_are_no_work(tmp_path):
    handed_out = STUBS["layers.py"]
    work = b"def fc(): return 2"
    named, asked = b"# Ada Lovelace, 12345\n" + handed_out, handed_out + b"\n\n# TODO: ask Bo\n"
    for at, other in enumerate((named, asked, b"# see the copy\n")):
        found = read(put(tmp_path / str(at), {"layers.py": other, "Copy of layers.py": work}), WANTED, STUBS)
        assert found.files["layers.py"] == work
        assert "Copy of layers.py was taken as layers.py, since layers.py holds no work" in found.notes
        assert read(put(tmp_path / f"{at} alone", {"layers.py": other}), WANTED, STUBS).files["layers.py"] == other
    named = cells("# Ada\nimport torch", "class Network:", "    pass", "x = 1")
    stub, work = cells("import torch", "class Network:", "    pass", "x = 1"), cells("import torch", "x = 2")
    put(tmp_path / "notebooks", {"part1.ipynb": named, "part1 (1).ipynb": work})
    assert read(tmp_path / "notebooks", ("part1.ipynb",), {"part1.ipynb": stub}).files["part1.ipynb"] == work


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (b"def fc(): return (1\n", "cannot be read as Python"),
        (b'def fc():\n    """The mid', "cannot be read as Python"),
        (b"<<<<<<< HEAD\ndef fc(): return 1\n=======\ndef fc(): return 2\n>>>>>>> x\n", "cannot be read as Python"),
        (b"pass\n", "defines nothing that layers.py should"),
    ],
)
def test_a_file_that_cannot_be_used_beside_one_that_can_is_a_question(tmp_path, broken, why):
    put(tmp_path, {"layers.py": broken, "layers (1).py": b"def fc(): return 2", "functions.py": b"f"})
    told = f"layers.py {why}, and layers (1).py may be it; leave the one that counts"
    assert read(tmp_path, WANTED, STUBS).questions == {"layers.py": told}
    put(tmp_path, {"layers (1).py": broken + b"\n\n# copy\n"})
    assert read(tmp_path, WANTED, STUBS).files["layers.py"] == broken
    put(tmp_path, {"layers.py": b"%time x = 1\r\ndef fc(): return 3"})
    assert read(tmp_path, WANTED, STUBS).origin["layers.py"] == "layers.py"


TWO = {"layers.py": b"def fc(): pass\ndef relu(): pass\n", "net.py": b"class Net: pass\ndef relu(): pass\n"}
LAYERS, NET = b"def fc(): return 1\ndef relu(): return 2\n", b"class Net: x = 1\n"


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({"layers.py": LAYERS, "net.py": NET}, {}),
        ({"layers.py": NET, "net.py": LAYERS}, {"layers.py": "net.py", "net.py": "layers.py"}),
        ({"layers.py": LAYERS + NET}, {"net.py": "layers.py"}),
        ({"Layers.py": NET + LAYERS}, {"net.py": "Layers.py"}),
        ({"layers.py": NET, "net.py": NET}, {}),
        ({"layers.py": b"from mine import *\n", "net.py": NET, "mine.py": LAYERS}, {}),
        ({"layers.py": LAYERS}, {}),
        ({"layers.py": TWO["layers.py"]}, {}),
        ({"layers.py": TWO["layers.py"], "layers (1).py": TWO["layers.py"], "net.py": TWO["net.py"]}, {}),
        ({"layers.py": TWO["layers.py"], "net.py": NET, "net (1).py": NET}, {}),
        ({"layers.py": LAYERS, "net.py": b"def Net(): return 1\n"}, {}),
    ],
)
def test_a_file_that_holds_another_ones_work_is_a_question(tmp_path, files, asked):
    found = read(put(tmp_path, files), tuple(TWO), TWO)
    told = "{} may be {}, because its content looks like it; hand it in as {}"
    assert found.questions == {base: told.format(file, base, base) for base, file in asked.items()}


def test_a_file_that_holds_two_ones_work_may_be_taken_as_the_other_too(tmp_path):
    found = read(
        put(tmp_path / "a", {"layers.py": LAYERS + NET}), tuple(TWO), TWO, takes=[taken("layers.py", "net.py")]
    )
    assert (found.files, found.questions) == (dict.fromkeys(TWO, LAYERS + NET), {})
    put(tmp_path / "b", {"layers.py": NET, "net.py": LAYERS})
    found = read(tmp_path / "b", tuple(TWO), TWO, takes=[taken("net.py", "layers.py")])
    assert found.questions.keys() == {"net.py"}
    found = read(tmp_path / "b", tuple(TWO), TWO, takes=[taken("net.py", "layers.py"), taken("layers.py", "net.py")])
    assert (found.files, found.questions) == ({"layers.py": LAYERS, "net.py": NET}, {})


@pytest.mark.parametrize("name", ["layers.py.pdf", "layers.pdf", "layers (1).pdf"])
def test_a_document_in_place_of_a_file_is_a_question(tmp_path, name):
    found = read(put(tmp_path, {name: b"%PDF-1.7\n", "functions.py": b"f"}), WANTED, STUBS)
    assert found.questions["layers.py"] == f"{name} may be layers.py, but is a PDF; hand in the file itself"
    put(tmp_path, {"layers.py": b"work"})
    assert read(tmp_path, WANTED, STUBS).questions == {}


@pytest.mark.parametrize("name", ["layers.pyc", "layers.py"])
def test_a_compiled_file_in_place_of_a_script_is_told(tmp_path, name):
    py_compile.compile(str(put(tmp_path / "own", {"layers.py": LAYERS}) / "layers.py"), str(tmp_path / "compiled"))
    put(tmp_path / "in", {name: (tmp_path / "compiled").read_bytes(), "functions.py": b"f"})
    found = read(tmp_path / "in", WANTED, STUBS)
    told = "what Python compiled; hand in the file itself"
    if name == "layers.py":
        assert told in found.faults["layers.py"]
    else:
        assert found.questions["layers.py"] == f"layers.pyc may be layers.py, but is {told}"
        put(tmp_path / "in", {"layers.py": LAYERS})
        assert read(tmp_path / "in", WANTED, STUBS).questions == {}


@pytest.mark.parametrize("name", ["hw.7z.001", "hw.zip.002", "hw.part1.r00", "hw.z01"])
def test_a_part_of_a_split_archive_may_hold_what_is_missing(tmp_path, name):
    found = read(put(tmp_path, {name: b"PK\3\4" + bytes(99), "functions.py": b"f"}), WANTED, STUBS)
    told = f"{name} is one part of an archive that was split; pack the work as one zip"
    assert found.questions["layers.py"] == f"layers.py may be in a file that could not be opened: {told}"


def test_a_link_is_a_question_about_the_file_that_it_is_called(tmp_path):
    (put(tmp_path, {"functions.py": b"f"}) / "layers.py").symlink_to("/home/ada/layers.py")
    found = read(tmp_path, WANTED, STUBS)
    assert found.questions.keys() == {"layers.py"}
    assert (
        "layers.py is a link or device, which is not followed; hand in the file itself" in found.questions["layers.py"]
    )
    put(tmp_path, {"other/layers.py": b"work"})
    assert read(tmp_path, WANTED, STUBS).questions == {}


def test_a_link_that_git_wrote_as_text_is_told(tmp_path):
    found = read(put(tmp_path, {"layers.py": b"../mine/layers.py", "functions.py": b"f"}), WANTED, STUBS)
    assert found.faults["layers.py"] == (
        "layers.py cannot be imported: it is the path of another file, as Git writes a link; hand in the file itself"
    )


def test_a_placeholder_or_a_shortcut_is_a_question(tmp_path):
    for name, content in ((".layers.py.icloud", b"bplist00..."), ("layers.py.lnk", b"L\0\0\0\x01\x14\x02\0")):
        found = read(put(tmp_path / name[:9], {name: content, "functions.py": b"f"}), WANTED, STUBS)
        assert found.questions["layers.py"].startswith(f"{name} may be layers.py, but is a ")


def test_a_large_notebook_is_read_and_loses_what_nobody_looks_at(tmp_path):
    output = {"output_type": "display_data", "metadata": {}}
    html = output | {"data": {"text/html": "x" * (33 << 20), "text/plain": "a plot", "image/png": "aGVsbG8="}}
    put(tmp_path, {"part1.ipynb": cells("anim", outputs=[html])})
    found = read(tmp_path, WANTED, STUBS)
    (kept,) = json.loads(found.files["part1.ipynb"])["cells"][0]["outputs"]
    assert kept["data"] == {"text/plain": "a plot", "image/png": "aGVsbG8="}
    assert not found.questions


def test_what_imports_a_file_that_waits_waits_too(tmp_path):
    two = b"from neuralnet.layers import fc"
    put(tmp_path, {"a/layers.py": b"one", "b/layers.py": b"two", "functions.py": b"import math", "net.py": two})
    found = read(tmp_path, (*WANTED, "net.py"), STUBS)
    assert found.questions["net.py"].startswith("net.py imports layers.py: 2 different files may be layers.py")
    assert "functions.py" not in found.questions


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
    assert note.startswith("not read: 100.jpg, 101.jpg, 102.jpg and 2 more; at most 100 such files of 32 MiB each")


def test_pictures_that_are_too_large_are_noted_and_cost_no_other_file(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "FILE", 1000)
    monkeypatch.setattr(archive, "BESIDE_ROOM", 1500)
    sizes = {"a.jpg": 1001, "b.jpg": 900, "c.jpg": 900, "d.jpg": 500}
    (tmp_path / "layers.py").write_bytes(b"")
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(bytes(size))
    found = read(tmp_path, PICTURES, {})
    assert set(found.files) == {"layers.py", "b.jpg", "d.jpg"}
    assert any(note.startswith("not read: a.jpg, c.jpg; at most") for note in found.notes)


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
    assert "may be part1.ipynb: part1_a.ipynb, part1_b.ipynb; leave the one" in found.questions["part1.ipynb"]
    assert "not in this submission: part2.ipynb" in found.notes
    (tmp_path / "part1 (1).ipynb").write_bytes(b"near")
    assert read(tmp_path, NOTEBOOKS, {}).files["part1.ipynb"] == b"near"


def test_what_is_made_at_first_use_is_made_before_readers_are_forked(tmp_path, monkeypatch):
    re.purge()
    prepare(put(tmp_path / "reference", NESTED), WANTED)
    monkeypatch.setattr(re._compiler, "compile", lambda *arguments: pytest.fail("a reader makes a pattern"))
    found, _ = read_here(lambda name: None, put(tmp_path / "ada", WORK), WANTED, STUBS, None, (), (), {})
    assert found.files == WORK


def test_a_reference_that_is_no_submission_stops_nobody(tmp_path):
    prepare(tmp_path / "absent", WANTED)
    prepare(put(tmp_path / "reference", {"notes.txt": b"none"}), WANTED)
