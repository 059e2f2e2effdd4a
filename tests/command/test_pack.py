"""grade.py pack: what is handed in is what lies in the folder, and what is missing is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader import handout
from grader.command import pack
from grader.errors import SubmissionError, UsageError
from grader.intake.unpack import is_archive
from grader.loading import ROOT

pytestmark = pytest.mark.medium


def packed(*words: object) -> int:
    return pack.run(pack.parser().parse_args([*map(str, words)]))


def test_whole_work_is_packed_byte_for_byte(tmp_path, capsys):
    assert packed(ROOT / "reference", "--out", tmp_path / "x.zip") == 0
    assert "nothing is missing" in capsys.readouterr().out
    files = handout.unpacked(tmp_path / "x.zip")
    assert len(files) == 10
    for name, content in files.items():
        assert (ROOT / "reference" / name).read_bytes() == content


def test_what_is_missing_is_said(tmp_path, capsys):
    handout.main([str(tmp_path / "student")])
    (tmp_path / "student/neuralnet/train.py").unlink()
    (tmp_path / "student/part2.ipynb").write_text("[1, 2]")
    assert packed(tmp_path / "student") == 1
    out = capsys.readouterr().out
    for sentence in (
        "missing: functions.py: f3 is still as handed out",
        "note: functions.py: f1, f2, f4 are still as handed out, and optional",
        "missing: train.py was not found",
        "missing: part1.ipynb: 3 of the 3 cells to write in are still as handed out",
        "missing: part1.ipynb was saved without outputs",
        "missing: part2.ipynb cannot be read as a notebook",
        "missing: no photographs found; 2 are asked for",
    ):
        assert sentence in out
    with (tmp_path / "hand-in.zip").open("rb") as file:
        assert is_archive(file)


def test_only_pictures_of_a_camera_are_asked_for_as_photographs(tmp_path, capsys):
    homework = shutil.copytree(ROOT / "tests/homeworks/reports", tmp_path / "reports")
    rubric = homework / "rubric.yaml"
    rubric.write_text(rubric.read_text().replace("submit: [sales.py]", 'submit: [sales.py, "*.csv", "*.png"]'))
    out = tmp_path / "x.zip"
    assert packed(homework / "reference", "--homework", homework, "--out", out) == 0
    assert "photograph" not in capsys.readouterr().out


def test_an_earlier_zip_is_kept(tmp_path, capsys):
    shutil.copytree(ROOT / "reference", tmp_path / "work")
    (tmp_path / "hand-in.zip").write_bytes(b"the only copy")
    assert packed(tmp_path / "work") == 0
    assert (tmp_path / "hand-in-1.zip").read_bytes() == b"the only copy"
    assert packed(tmp_path / "work") == 0
    assert not (tmp_path / "hand-in-2.zip").exists(), "the same zip again is no other one"


def test_where_no_file_counts_no_empty_zip_is_written(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "work" / name).mkdir(parents=True)
        (tmp_path / "work" / name / "layers.py").write_text(f"def relu_forward(x):\n    return '{name}', x\n")
    says = r"work was not packed: 2 different files may be layers\.py: a/layers\.py, b/layers\.py; leave the one"
    with pytest.raises(SubmissionError, match=says):
        packed(tmp_path / "work")
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("work/x.zip", "is inside the folder to pack"),
        ("x.rar", "does not end in .zip"),
        ("ada.zip", r"ada\.zip holds something else, which would be lost; delete it, or choose another path"),
    ],
)
def test_a_place_that_would_do_harm_is_refused(tmp_path: Path, name: str, says: str):
    shutil.copytree(ROOT / "reference", tmp_path / "work")
    (tmp_path / "ada.zip").write_bytes(b"PK\3\4 and what another program packed")
    with pytest.raises(UsageError, match=says):
        packed(tmp_path / "work", "--out", tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ada.zip", "work"]
