"""A student's files as modules: under which names they are found, and which of two files it is."""

from __future__ import annotations

from importlib.util import module_from_spec
from pathlib import Path

import pytest

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


def test_a_file_that_lies_beside_it_is_found_by_its_name_alone_and_what_it_raises_is_told(tmp_path, monkeypatch):
    """As it is where `python net.py` was typed. Here the working directory is where calls write."""
    scratch, code = tmp_path / "scratch", tmp_path / "code"
    for folder in (scratch, code):
        folder.mkdir()
    monkeypatch.chdir(scratch)
    (code / "rates.py").write_text("RATE = 2\n")
    (code / "wrong.py").write_text("RATE = nothing\n")
    (code / "net.py").write_text(
        "with open('rates.py') as file:\n    exec(file.read())\nopen('log.txt', 'w').close()\n"
    )
    (code / "lacks.py").write_text("with open('rates.py'), open('data.csv'):\n    pass\nRATE = 3\n")
    (code / "raises.py").write_text("with open('wrong.py') as file:\n    exec(file.read())\n")
    home = own(code)

    def imported(name):
        spec = home.find_spec(name, None)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    assert (imported("net").RATE, imported("lacks").RATE, Path.cwd()) == (2, 3, scratch)
    assert (scratch / "log.txt").exists()
    assert [told for told in home.stand_ins.hid if "data.csv" in told]
    with pytest.raises(NameError, match="nothing"):
        imported("raises")
