"""A student's files as modules: under which names they are found, and which of two files it is."""

from __future__ import annotations

from pathlib import Path

from grader.sandbox.worker.own_modules import OwnModules
from grader.sandbox.worker.standins import StandIns


def own(*folders: Path) -> OwnModules:
    return OwnModules(list(map(str, folders)), StandIns(str(folders[0])), 1.0)


def test_of_two_files_with_one_name_the_first_folders_counts(tmp_path):
    """The course's shims come before the student's files."""
    shims, code = tmp_path / "shims", tmp_path / "code"
    for folder in (shims, code):
        folder.mkdir()
        (folder / "batches.py").touch()
    (code / "layers.py").touch()
    (code / "notes.txt").touch()
    assert own(shims, code).files == {"batches": shims / "batches.py", "layers": code / "layers.py"}


def test_a_package_is_left_to_python(tmp_path):
    """Its modules import each other by its name alone."""
    package, code = tmp_path / "network", tmp_path / "code"
    for folder in (package, code):
        folder.mkdir()
        (folder / "engine.py").touch()
    (package / "__init__.py").touch()
    found = own(package, code)
    assert found.files == {"engine": code / "engine.py"}
    assert found.packages == {"student", "code"}
