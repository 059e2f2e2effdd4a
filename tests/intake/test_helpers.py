"""Modules of the student's own: which come along with the file that imports them, and which cannot."""

from __future__ import annotations

import json
import sys

import pytest
from packing import STUBS, WANTED, put, zipped

from grader.intake import helpers
from grader.intake.submission import read, stubs

HELPER = b"def relu(x): return x * (x > 0)\n"
GIVEN = STUBS | {"neuralnet/layers.py": b"", "neuralnet/data.py": b""}  # by their path, too


def found(tmp_path, files: dict[str, bytes], importing: bytes, base: str = "layers.py"):
    work = read(put(tmp_path / "ada", {**files, base: importing}), WANTED, GIVEN)
    return work.helpers.get(base.rpartition("/")[2], {}), work


@pytest.mark.parametrize(
    ("statement", "files", "laid"),
    [
        ("from my_utils import relu", ["my_utils.py"], ["my_utils.py"]),
        ("import my_utils as mu", ["my_utils.py"], ["my_utils.py"]),
        ("from .my_utils import relu", ["my_utils.py"], ["my_utils.py"]),
        ("from . import my_utils", ["my_utils.py"], ["my_utils.py"]),
        ("import pack.inner", ["pack/__init__.py", "pack/inner.py"], ["pack/__init__.py", "pack/inner.py"]),
        ("from pack import inner", ["pack/inner.py"], ["pack/inner.py"]),
        ("def f():\n    from my_utils import relu", ["my_utils.py"], ["my_utils.py"]),
        ("import importlib\nm = importlib.import_module('my_utils')", ["my_utils.py"], ["my_utils.py"]),
        ("from my_utils import relu", ["src/deep/my_utils.py"], ["my_utils.py"]),
        ("from my_utils import relu", ["my_utils (1).py"], ["my_utils.py"]),
        ("def broken(:\nfrom my_utils import relu", ["my_utils.py"], ["my_utils.py"]),
        ("from neuralnet.my_utils import relu", ["neuralnet/my_utils.py"], ["my_utils.py"]),
        ("from student.neuralnet import my_utils", ["my_utils.py"], ["my_utils.py"]),
        ("from neuralnet.pack.inner import relu", ["neuralnet/pack/inner.py"], ["pack/inner.py"]),
        ("exec('from my_utils import *')", ["my_utils.py"], ["my_utils.py"]),
        ("from my_utils import relu", ["my_utils.ipynb"], ["my_utils.py"]),
        ("from my_utils import relu", ["src/my_utils.ipynb"], ["my_utils.py"]),
        ("from my_utils import relu", ["my_utils.ipynb", "my_utils.py"], ["my_utils.py"]),
        ("from other import relu", ["my_utils.py"], []),
        ("x = 'import my_utils'", ["my_utils.py"], []),
    ],
)
def test_what_a_file_imports_comes_along(tmp_path, statement, files, laid):
    own, _ = found(tmp_path, dict.fromkeys(files, HELPER), statement.encode())
    assert own == dict.fromkeys(laid, HELPER)


def test_helpers_of_helpers_come_along_and_are_told(tmp_path):
    files = {"a.py": b"import b\n", "b.py": b"import a, c\n", "c.py": HELPER, "d.py": HELPER}
    own, work = found(tmp_path, files, b"import a\n")
    assert set(own) == {"a.py", "b.py", "c.py"}
    assert "layers.py imports a.py, b.py, c.py; graded with it" in work.notes
    relative = {
        "pack/__init__.py": b"from .one import f\n",
        "pack/one.py": b"from . import two\n",
        "pack/two.py": HELPER,
    }
    assert set(found(tmp_path / "2", relative, b"import pack\n")[0]) == set(relative)


def test_a_new_module_of_the_handouts_package_lies_in_it_whoever_imports_it(tmp_path):
    """`from words.extra import f` in words/model.py: words/words/extra.py would be found by nobody."""
    handout = {
        "words/__init__.py": b"from .model import f\n",
        "words/model.py": b"def f(): pass\n",
        "top.py": b"x = 1\n",
    }
    work = {
        "hw/words/__init__.py": b"x = 3\n",
        "hw/words/model.py": b"import words\nfrom words.extra import f\n",
        "hw/words/extra.py": b"from words.more import g\n",
        "hw/words/more.py": HELPER,
        "hw/top.py": b"from words import f\nfrom words.extra import f\n",
    }
    names = ["model.py", "top.py"]
    found = read(put(tmp_path / "ada", work), names, stubs(handout, names))
    assert set(found.helpers["model.py"]) == {"extra.py", "more.py"}
    assert set(found.helpers["top.py"]) == {"words/extra.py", "words/more.py"}
    assert not any("__init__" in note for note in found.notes)  # which is the handout's


def test_an_archive_holds_helpers_too_and_another_helper_is_another_submission(tmp_path):
    names = {"hw/layers.py": b"import mine", "hw/mine.py": HELPER}
    one = read(zipped(tmp_path / "a.zip", names), WANTED, STUBS)
    other = read(zipped(tmp_path / "b.zip", names | {"hw/mine.py": b"x = 1"}), WANTED, STUBS)
    assert one.helpers == {"layers.py": {"mine.py": HELPER}}
    assert one.digest != other.digest


@pytest.mark.parametrize("name", ["numpy", "torch", "statistics", "random", "grader"])
def test_no_helper_takes_the_place_of_what_everyone_uses(tmp_path, name):
    own, work = found(tmp_path, {f"{name}.py": HELPER}, f"import {name}".encode())
    assert own == {}
    assert any(note.startswith(f"{name}.py was not included") for note in work.notes)


def test_the_handouts_own_modules_stay_the_handouts(tmp_path):
    handed_out = GIVEN | {"utils.py": b"x = 1", "data.py": b"x = 1"}
    work = put(tmp_path, {"layers.py": b"import utils, functions, neuralnet.data", "utils.py": b"x = 2"})
    put(tmp_path, {"functions.py": b"f", "neuralnet/data.py": HELPER})
    assert read(work, WANTED, handed_out).helpers == {}


def test_a_notebook_has_helpers_too(tmp_path):
    """Also under names of the handout's modules."""
    cells = [
        {"cell_type": "code", "source": ["%matplotlib inline\n", line]}
        for line in ("from net import N", "%run train_it.py", "import data")
    ]
    content = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()
    beside = {"net.py": HELPER, "train_it.py": HELPER, "data.py": HELPER}
    assert found(tmp_path, beside, content, "part1.ipynb")[0] == beside


def test_there_are_limits(tmp_path, monkeypatch):
    monkeypatch.setattr(helpers, "MOST", 2)
    files = {f"m{n}.py": b"" for n in range(4)}
    own, work = found(tmp_path, files, b"import m0, m1, m2, m3")
    assert set(own) == {"m0.py", "m1.py"}
    assert any("m2.py was not included: at most 2 files" in note for note in work.notes)


@pytest.mark.parametrize("names", [("a/my_utils.py", "b/my_utils.py"), ("my_utils (1).py", "my_utils (2).py")])
def test_two_helpers_that_differ_are_a_question(tmp_path, names):
    files = dict(zip(names, (HELPER, b"def relu(x): return x\n"), strict=True))
    own, work = found(tmp_path, files, b"from my_utils import relu\n")
    told = f"2 different files may be my_utils.py: {', '.join(names)}; leave the one that counts"
    assert (own, work.questions["layers.py"]) == ({}, told)
    own, work = found(tmp_path, files | {"my_utils.py": HELPER}, b"from my_utils import relu\n")
    assert (own, work.questions) == ({"my_utils.py": HELPER}, {})


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="this Python reads what is newer here")
def test_a_helper_for_a_newer_python_is_a_question(tmp_path):
    own, work = found(tmp_path, {"mine.py": b"type A = int\ntry:\n    pass\nexcept A, B:\n    pass\n"}, b"import mine")
    assert set(own) == {"mine.py"}
    assert work.questions["layers.py"].startswith("mine.py needs a newer Python")
