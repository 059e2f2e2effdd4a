"""Which paths a process may read: the libraries, and nothing of ours or of other people's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from grader.sandbox.launch import ROOT
from grader.sandbox.readable import around, readable

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def test_nothing_of_the_project_and_no_forbidden_library_is_readable():
    reads, lists = readable(("torch", "numpy"))
    granted = [Path(path) for path in reads]
    import numpy

    for hidden in (ROOT / "grader" / "cli.py", ROOT / "reference", Path(numpy.__file__)):
        assert not any(hidden.resolve().is_relative_to(path) for path in granted), hidden
    assert any(Path(os.__file__).resolve().is_relative_to(path) for path in granted)
    assert not any(str(os.getpid()) in path for path in reads + lists), "the grader's own process is readable"


def test_data_sets_and_other_folders_of_the_system_are_not_readable():
    """Fashion-MNIST's test labels among them, where Debian's package put them."""
    granted = [Path(path) for path in readable(())[0]]
    for hidden in (DEBIAN, Path("/usr/share/doc"), Path("/usr/bin"), Path("/etc/passwd"), Path.home(), Path("/tmp")):
        assert not any(hidden.resolve().is_relative_to(path) for path in granted), hidden


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="there is one interpreter alone, and no environment over it")
def test_a_forbidden_library_is_unreadable_in_every_interpreters_packages():
    granted = [Path(path) for path in readable(("pip",))[0]]
    base = Path(sys.base_prefix, "lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
    found = [path for path in (base / "pip", Path("/usr/lib/python3/dist-packages/pip")) if path.exists()]
    assert not [path for path in found if any(path.resolve().is_relative_to(place) for place in granted)]


def test_the_base_of_an_environment_adds_no_path_for_each_package_that_nobody_can_import(tmp_path, monkeypatch):
    base, own = (tmp_path / name / "lib" / "python3.11" for name in ("base", "environment"))
    for path in (
        base / "os.py",
        base / "json",
        *(base / "site-packages" / name for name in ("torch", "other", "more")),
    ):
        path.mkdir(parents=True)
    (own / "site-packages" / "numpy").mkdir(parents=True)
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path / "base"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.setattr(sys, "path", [str(base), str(own / "site-packages")])

    def below() -> set[str]:
        reads, lists = readable.__wrapped__(("torch",))
        return {str(Path(path).relative_to(base)) for path in reads + lists if Path(path).is_relative_to(base)}

    assert below() == {".", "os.py", "json"}
    monkeypatch.setattr(sys, "path", [*sys.path, str(base / "site-packages")])  # as --system-site-packages does
    assert below() == {".", "os.py", "json", "site-packages", "site-packages/other", "site-packages/more"}


def test_around_grants_all_but_the_hidden(tmp_path):
    for name in ("a/x/1", "a/y/2", "a/y-1.0.dist-info/METADATA", "b/3"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    hidden = {str(tmp_path / "a/x")}
    above = {str(parent) for parent in (tmp_path / "a/x").parents}
    found = {str(Path(path).relative_to(tmp_path)): whole for path, whole in around(str(tmp_path), hidden, above)}
    assert found == {".": False, "a": False, "a/y": True, "b": True}
