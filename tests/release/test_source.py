"""What packages are made of: the grader and its homework, nothing else that lies here; data that cannot be fetched."""

from __future__ import annotations

import hashlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from packages import FRAMEWORK, PROJECT, ran

from grader import cli, rubric
from grader.errors import UsageError
from grader.model import DataPlan
from grader.release import recording
from grader.release.handout import welcome
from grader.release.source import Source, absent, data, grader, requirements, script
from grader.report import progress

OWN = PROJECT / "grader" / "homework"


def source(folder: Path, **more) -> Source:
    return Source(folder, rubric.load(folder / "rubric.yaml"), **more)


def test_the_own_homework_lies_where_it_lies_here():
    members = grader(source(OWN))
    assert {"grade.py", "grader/cli.py", "grader/homework/rubric.yaml", "requirements.txt"} <= members.keys()
    assert any(name.startswith("reference/") for name in members)
    assert any(name.startswith("fixtures/") for name in members)
    assert not any(name.startswith(("student/", "tests/", ".")) for name in members)
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in members)


def test_another_homework_comes_alone():
    members = grader(source(FRAMEWORK))
    assert {"homework/rubric.yaml", "homework/reference/frame/tensor.py", "homework/shims/batches.py"} <= members.keys()
    assert not any(name.startswith(("grader/homework/", "reference/", "homework/right/", "homework/student/"))
                   for name in members)  # fmt: skip


def test_packages_of_sections_are_required_and_no_others():
    own, other = (requirements(source(folder)).decode().splitlines() for folder in (OWN, FRAMEWORK))
    assert any(line.startswith("torch==") for line in own)
    assert any(line.startswith("numpy") for line in other)
    assert not any(line.startswith(("torch", "pytest", "distributed", "--")) for line in other)


def test_a_package_that_no_extra_lists_is_required_by_the_name_that_pip_knows():
    framework = source(FRAMEWORK)
    (main,) = framework.rubric.sections
    needing = replace(framework.rubric, sections=(replace(main, needs=("_pytest", "yaml", "nowhere")),))
    lines = requirements(replace(framework, rubric=needing)).decode().splitlines()
    assert lines[-2:] == ["nowhere", "pytest"]
    assert not any(line.startswith(("torch", "--")) for line in lines)
    assert b"install -q -e '.' pytest nowhere PyYAML &&" in welcome(framework, needing, 3)


def test_without_a_reference_nothing_is_released(tmp_path):
    shutil.copytree(FRAMEWORK, tmp_path / "hw", ignore=shutil.ignore_patterns("reference"))
    (tmp_path / "hw" / "handout.zip").write_bytes(b"")
    with pytest.raises(UsageError, match="holds no folder reference"):
        grader(source(tmp_path / "hw"))


def test_a_word_that_no_package_fills_in_is_a_fault():
    with pytest.raises(UsageError, match="still holds @"):
        script("gradescope/setup.sh", data="")


def weights(tmp_path, content=b"weights"):
    plan = DataPlan(
        "net", "The net", (".", "hub"), {"net.pth": hashlib.sha256(b"weights").hexdigest()[:8]}, hint="get it"
    )
    if content is not None:
        (tmp_path / "net.pth").write_bytes(content)
    given = source(FRAMEWORK, data_root=tmp_path)
    return replace(given, rubric=replace(given.rubric, data={"net": plan}))


def test_a_file_that_cannot_be_fetched_is_packed_if_it_is_the_official_one(tmp_path):
    given = weights(tmp_path)
    assert data(given)["data/net.pth"] == tmp_path / "net.pth"
    assert list(absent(given)) == []
    assert b"The net: net.pth" in data(given)["data/README.md"]


@pytest.mark.parametrize("content", [None, b"other"])
def test_one_that_is_not_here_or_is_another_is_named(tmp_path, content):
    given = weights(tmp_path, content)
    assert list(data(given)) == ["data/README.md"]
    assert list(absent(given)) == ["The net is not on this machine, so no package holds it; get it"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seconds", "10"], "at least 60"),
        (["--for", "moodle"], "invalid choice"),
        (["--homework", "nowhere"], "rubric.yaml"),
        (["--data-root", "nowhere"], "--data-root nowhere is not a folder"),
    ],
)
def test_wrong_words_get_one_sentence(tmp_path, words, said):
    done = ran([sys.executable, PROJECT / "grade.py", "release", "--out", tmp_path / "out", *words])
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_that_cannot_be_a_folder_is_told(tmp_path):
    (tmp_path / "out").write_text("a file")
    done = ran([sys.executable, PROJECT / "grade.py", "release", "--out", tmp_path / "out", "--homework", FRAMEWORK])
    assert done.returncode == 2
    assert "cannot make the folder" in done.stderr


@pytest.mark.medium
def test_check_finds_points_for_the_untouched_handout(tmp_path):
    shutil.copytree(FRAMEWORK, tmp_path / "hw")
    checks = tmp_path / "hw" / "checks.py"
    head, name, body = checks.read_text().partition("def adam_steps")
    signature, docstring, rest = body.split('"""', 2)
    checks.write_text(f'{head}{name}{signature}"""{docstring}"""\n    return 1.0\n{rest}')
    done = ran([sys.executable, PROJECT / "grade.py", "release", "--out", tmp_path / "out", "--homework",
                tmp_path / "hw", "--for", "prairielearn", "--check"])  # fmt: skip
    assert done.returncode == 2
    assert "points to the untouched handout" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--out", "hw/course"], "hw/course is inside hw, which is packed; choose a folder outside"),
        (["--out", f"{PROJECT}/reference/x"], "reference, which is packed; choose a folder outside"),
        (["--out", "course", "--image", ""], "--image is empty; give it a value"),
        (["--out", "."], "handout.zip holds something else, which would be lost; delete it, or choose another path"),
    ],
)
def test_what_would_spoil_the_next_release_is_refused(words, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FRAMEWORK, "hw")
    Path("handout.zip").write_text("somebody's")
    assert cli.main(["release", *words, "--homework", "hw"]) == 2
    assert says in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["handout.zip", "hw"]
    assert Path("handout.zip").read_text() == "somebody's"


def test_a_release_says_how_far_it_is_without_a_terminal(tmp_path, capsys, monkeypatch):
    def record(folder, seeds, progress):
        progress(1)
        raise UsageError("the reference fails")

    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(recording, "record", record)
    words = ["--out", str(tmp_path / "out"), "--for", "handout", "--seeds", "3", "--homework", str(FRAMEWORK)]
    assert cli.main(["release", *words]) == 2
    assert "1 of 3 sets of questions recorded\n" in capsys.readouterr().err
