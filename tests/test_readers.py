"""No parser is given a student's text or bytes in the grader's own process: a marked submission is followed."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import json
import os
import tarfile
import tokenize
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from packing import tarred, zipped

from grader.check import Options, Subject
from grader.errors import StudentError
from grader.intake.missing import look_through
from grader.intake.submission import read, stubs
from grader.loading import ROOT, load
from grader.model import Submission
from grader.sandbox import reader
from grader.sandbox.asked import Asked

pytestmark = [pytest.mark.medium, pytest.mark.skipif(not reader.FORKS, reason="forks on Linux alone")]

MARK = "zz_a_students_own_zz"
HOMEWORK = load(ROOT / "grader" / "homework")
WANTED = [name for section in HOMEWORK.rubric.sections for name in section.submit]
STUBS = stubs(HOMEWORK.handout, WANTED)


def marked() -> dict[str, bytes]:
    """The reference's work, with the mark in every file."""
    paths = [path for path in (ROOT / "reference").rglob("*") if path.name in WANTED or path.suffix == ".jpg"]
    files = {path.name: path.read_bytes() for path in paths}
    for name, content in files.items():
        if name.endswith(".py"):
            files[name] = content + f"\n# {MARK}\n".encode()
        elif name.endswith(".ipynb"):
            document = json.loads(content)
            document["cells"][-1]["source"] = [f"# {MARK}\n", *document["cells"][-1]["source"]]
            files[name] = json.dumps(document).encode()
        else:
            files[name] = content + MARK.encode()
    return files


def holds_mark(value: Any) -> bool:
    if isinstance(value, io.BytesIO):
        value = value.getvalue()
    if hasattr(value, "name") and isinstance(value.name, str) and Path(value.name).is_file():
        return Path(value.name).stem == MARK
    if isinstance(value, bytes | bytearray):
        return MARK.encode() in value
    return isinstance(value, str) and MARK in value


@pytest.fixture
def parsers(monkeypatch):
    """Parsers that note what they are given in this process, and go on. Gives the names of those that saw the mark."""
    from PIL import Image

    own, seen = os.getpid(), []

    def watch(owner: Any, name: str) -> None:
        parser = getattr(owner, name)

        def watched(*args: Any, **named: Any) -> Any:
            if os.getpid() == own and any(map(holds_mark, (*args, *named.values()))):
                seen.append(f"{owner.__name__}.{name}")
            return parser(*args, **named)

        monkeypatch.setattr(owner, name, watched)

    for owner, name in (
        (ast, "parse"), (ast, "literal_eval"), (builtins, "compile"), (json, "loads"), (tarfile, "open"),
        (zipfile, "is_zipfile"), (tokenize, "detect_encoding"), (Image, "open"),
    ):  # fmt: skip
        watch(owner, name)
    opened = zipfile.ZipFile.__init__

    def watched_zip(self: zipfile.ZipFile, file: Any, *args: Any, **named: Any) -> None:
        if os.getpid() == own and holds_mark(file):
            seen.append("zipfile.ZipFile")
        opened(self, file, *args, **named)

    monkeypatch.setattr(zipfile.ZipFile, "__init__", watched_zip)
    return seen


def test_the_watch_sees_what_is_parsed_here(parsers, tmp_path):
    """Without readers, the same reading is seen."""
    ast.parse(f"# {MARK}")
    json.loads(f'"{MARK}"')
    with zipfile.ZipFile(zipped(tmp_path / f"{MARK}.zip", {"a": b""}), "r"):
        pass
    assert parsers == ["ast.parse", "builtins.compile", "json.loads"]
    with (tmp_path / f"{MARK}.zip").open("rb") as file, zipfile.ZipFile(file):
        pass
    assert parsers[-1] == "zipfile.ZipFile"


@pytest.mark.parametrize("form", ["folder", "zip", "tar"])
def test_a_submission_is_read_elsewhere(parsers, tmp_path, form):
    files = marked()
    if form == "folder":
        path = tmp_path / MARK
        path.mkdir()
        for name, content in files.items():
            (path / name).write_bytes(content)
    else:
        path = {"zip": zipped, "tar": tarred}[form](tmp_path / f"{MARK}.{form}", files)
    found = read(path, WANTED, STUBS, limits=HOMEWORK.rubric.limits)
    assert files.keys() <= found.files.keys()
    assert found.lines["layers.py"]["fc_forward"] > 1
    reader.read(look_through, found, STUBS, HOMEWORK.rubric, limits=HOMEWORK.rubric.limits, about="the work")
    assert parsers == []


@pytest.mark.parametrize(
    "name", ["best_model", "overfit_model", "notebook_outputs", "notebook_claim", "accuracy_plot", "images_present"]
)
def test_a_check_has_what_was_handed_in_read_elsewhere(parsers, name):
    hw = subject(name, Submission("ada", marked(), {}, ""))
    with contextlib.suppress(StudentError, Stop):
        HOMEWORK.checks[name].function(hw, np.random.default_rng(0))
    assert parsers == []
    assert any(" of " in key for key in hw.options.kept), "nothing was read"


class Stop(Exception):
    """The student's code would be asked something now."""


def subject(name: str, submission: Submission) -> Subject:
    """What a check is given, without a process of the student's."""

    def stop(*_: Any, **__: Any) -> Any:
        raise Stop

    item = next(
        item for task in HOMEWORK.rubric.tasks for item in task.items if any(c.name == name for c in item.checks)
    )
    task = next(task for task in HOMEWORK.rubric.tasks if item in task.items)
    section = next(one for one in HOMEWORK.rubric.sections if one.id == task.section)
    session = SimpleNamespace(
        section=section, submission=submission, asked=Asked({}), limits=HOMEWORK.rubric.limits,
        require_file=lambda name: None,
        ask=stop, drive=stop, renew=lambda: None, require=stop, is_function=lambda *_: True,
    )  # fmt: skip
    session_: Any = session
    return Subject(session_, HOMEWORK, item, Options(data=stop))
