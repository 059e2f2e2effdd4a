"""Where a student's files lie in the repository that was checked out, and when that is not known."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from endless import expect_end

from grader.intake.repository import places
from grader.intake.submission import read

WANTED = ["layers.py", "train.py", "part1.ipynb"]
STUBS = {"train.py": b"def train():\n    return None\n"}
CONFIG = '[remote "origin"]\n\turl = {}\n'


@pytest.fixture
def repository(tmp_path):
    """A checkout with the work in a folder of the student's own."""
    work = tmp_path / "checkout" / "homework 1"
    work.mkdir(parents=True)
    (work / "layers.py").write_text("from my_utils import g\nx = 1\n")
    (work / "my_utils.py").write_text("def g(): pass\n")
    (work / "hw1_train.py").write_text("def train():\n    return 3\n")
    (tmp_path / "checkout" / ".git").mkdir()
    return tmp_path / "checkout"


def found(folder, **more):
    return places(folder, read(folder, WANTED, STUBS), **more)


def test_paths_are_from_the_repositorys_root_under_the_students_own_names(repository):
    expected = {
        "layers.py": "homework 1/layers.py",
        "my_utils.py": "homework 1/my_utils.py",
        "train.py": "homework 1/hw1_train.py",
    }
    assert found(repository) == expected
    assert found(repository / "homework 1") == expected


def test_a_lone_file_has_a_place(repository):
    assert found(repository / "homework 1" / "layers.py") == {"layers.py": "homework 1/layers.py"}


def test_a_relative_path_and_a_link_lead_to_the_same_place(repository, monkeypatch):
    (repository / "link").symlink_to("homework 1")
    monkeypatch.chdir(repository)
    assert found(Path("homework 1"))["layers.py"] == "homework 1/layers.py"
    assert found(Path("link"))["layers.py"] == "homework 1/layers.py"


def test_without_git_the_folder_that_ci_checked_out_is_the_root(repository, tmp_path):
    (repository / ".git").rmdir()
    assert found(repository) == {}
    assert found(repository, workspace=str(repository))["layers.py"] == "homework 1/layers.py"
    assert found(repository, workspace=str(tmp_path / "elsewhere")) == {}


def test_what_is_in_an_archive_has_no_place(repository, tmp_path):
    path = repository / "work.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("homework 1/layers.py", "x = 2\n")  # beside it, a file of that path lies by chance
    assert found(path) == {}
    (repository / "homework 1" / "layers.py").unlink()
    assert "layers.py" not in found(repository)


def test_notebooks_have_no_place(repository):
    cells = '{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}}'
    (repository / "homework 1" / "part1.ipynb").write_text(cells)
    (repository / "homework 1" / "layers.py").write_text(cells)  # saved under another name
    assert not found(repository).keys() & {"part1.ipynb", "layers.py"}


def test_of_two_helpers_with_one_name_none_has_a_place(repository):
    other = repository / "other"
    other.mkdir()
    (other / "my_utils.py").write_text("def g(): return 2\n")
    assert "my_utils.py" not in found(repository)
    assert found(repository)["layers.py"] == "homework 1/layers.py"


def test_a_submodule_and_a_clone_of_another_repository_are_not_the_one_that_is_annotated(repository):
    work = repository / "homework 1"
    (work / ".git").write_text("gitdir: ../.git/modules/homework\n")
    assert found(work) == {}
    (work / ".git").unlink()
    (work / ".git").mkdir()
    (work / ".git" / "config").write_text(CONFIG.format("https://github.com/ada/hw1"))
    assert found(work, repository="course/grading") == {}
    assert found(work, repository="ada/hw1")["layers.py"] == "layers.py"
    assert found(work)["layers.py"] == "layers.py"


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Ada/hw1",
        "https://github.com/ada/HW1.git",
        "https://github.com/ada/hw1/",
        "git@github.com:ada/hw1.git",
        "ssh://git@github.com/ada/hw1.git",
        "https://gitlab-ci-token:x@gitlab.example.org/course/2026/ada/hw1.git",
    ],
)
def test_an_address_is_known_in_each_of_its_forms(repository, address):
    (repository / ".git" / "config").write_text(CONFIG.format(address))
    assert found(repository, repository="ada/hw1")
    assert found(repository, repository="2026/ada/hw1")
    assert not found(repository, repository="ada/hw2")
    assert not found(repository, repository="eve/hw1")


def test_a_name_that_cannot_be_shown_has_no_place(repository):
    odd = repository / "a\n::error::x"
    odd.mkdir()
    (repository / "homework 1" / "layers.py").rename(odd / "layers.py")
    assert "layers.py" not in found(repository)


def test_settings_of_many_spaces_or_lines_take_no_time(repository):
    for text in ("url = a" + " " * 500_000 + "b", "\n" * 1_000_000):
        (repository / ".git" / "config").write_text(text)
        with expect_end():
            found(repository, repository="ada/homework")
