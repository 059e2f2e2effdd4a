"""Fuzzing of all that reads what a stranger wrote: for any bytes a value or a clean error, and soon.

    BACKGRADE_FUZZ=900 python -m pytest tests/fuzz      a quarter of an hour each instead of 5 seconds

Inputs are real files, cut, spliced and changed. What found a fault is kept in found/TARGET/ and tried first.
"""

from __future__ import annotations

import io
import os
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
import pytest
from endless import expect_end
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from grader import rubric
from grader.errors import Mismatch, RubricError, StudentError, SubmissionError
from grader.homework.notebooks import notebook, survey
from grader.homework.training import hyperparameters
from grader.intake import submission
from grader.model import Limits
from grader.sandbox.allowance import Allowance
from grader.sandbox.session import Session
from grader.sandbox.worker import wire

pytestmark = pytest.mark.medium

ROOT = Path(__file__).parents[2]
FOUND = Path(__file__).parent / "found"
SECONDS = float(os.environ.get("BACKGRADE_FUZZ", "5"))
MOST = 50  # examples between two looks at the clock
WANTED = ("functions.py", "layers.py", "part1.ipynb")
FILES = {"ada/layers.py": b"x = 1\n", "ada/b/functions.py": bytes(3000), "ada/part1.ipynb": b"{}"}


def read_wire(data: bytes, folder: Path) -> None:
    try:
        value = wire.decode(data)
    except wire.FrameError:
        return
    assert wire.decode(wire.encode(value)) is not NotImplemented  # what was decoded can travel back


def read_archive(data: bytes, folder: Path) -> None:
    path = folder / "work"
    path.write_bytes(data)
    try:
        found = submission.read(path, WANTED, {})
    except SubmissionError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert set(found.files) <= set(WANTED)
    assert all(name.isprintable() for name in found.origin.values())


def read_rubric(data: bytes, folder: Path) -> None:
    path = folder / "rubric.yaml"
    path.write_bytes(data)
    try:
        rubric.load(path)
    except RubricError as error:
        assert "rubric.yaml" in str(error)  # noqa: PT017


def read_reply(data: bytes, folder: Path) -> None:
    """What a worker may send, from its bytes to what a check is given, for a call alone and for one that a method
    follows."""
    for subjects in (["f"], ["f", "parameters"]):
        session = object.__new__(Session)
        session.folder, session.allowance, session.answers, session.differences = folder, Allowance(Limits()), [], []
        session.tried, session.hid, session.changed, session.remotes = [], [], {}, WeakValueDictionary()
        try:
            values = session.read_reply(wire.decode(data), subjects)
        except (wire.FrameError, StudentError):
            continue
        assert len(values) == len(subjects)
        assert all(type(at) in (int, str) for at in session.changed)
        session.attempts()


def read_notebook(data: bytes, folder: Path) -> None:
    try:
        found = notebook.read(data, "part1.ipynb")
    except Mismatch as error:
        assert "part1.ipynb" in error.message  # noqa: PT017
        return
    for look in (notebook.errors, notebook.out_of_order):
        look(found)
    survey.read(data, "part1.ipynb", {})


def read_train(data: bytes, folder: Path) -> None:
    hyperparameters.read(data)


def zipped(method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(mode: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as archive:
        for name, content in (FILES | {"é" * 120 + "/layers.py": b"long"}).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


VALUES = (
    {"id": 3, "values": [(np.arange(6.0).reshape(2, 3), wire.Handle(4, "Net"))], "tried": []},
    [None, True, -1, 1 << 80, 0.5, 1j, "é", b"x", (), {}, np.zeros((0, 3), np.float32), np.array(3, np.int8)],
    {"a": [[[[{"b": (1, 2.0)}]]]]},
)
REPLIES = (
    {
        "id": 1,
        "values": [(1.0, wire.Handle(4, "Net"))],
        "changed": {0: np.zeros(2)},
        "tried": [("imports torch", "")],
    },
    {
        "id": 1,
        "values": [],
        "error": {"kind": "denied", "type": "A", "text": "b", "where": "c.py:1"},
        "tried": [],
        "hid": [],
    },
)
TARGETS: dict[str, tuple[Callable[[bytes, Path], None], tuple[bytes, ...]]] = {
    "wire": (read_wire, tuple(wire.encode(value) for value in VALUES)),
    "archive": (
        read_archive,
        (
            *map(zipped, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
            *map(tarred, ("w", "w:gz", "w:bz2", "w:xz")),
        ),
    ),
    "reply": (read_reply, tuple(wire.encode(value) for value in REPLIES)),
    "notebook": (read_notebook, tuple(path.read_bytes() for path in sorted(ROOT.glob("reference/*.ipynb")))),
    "train": (
        read_train,
        tuple((ROOT / folder / "neuralnet" / "train.py").read_bytes() for folder in ("reference", "student")),
    ),
    "rubric": (read_rubric, ((ROOT / "grader" / "homework" / "rubric.yaml").read_bytes(),)),
}

SPECIAL = (
    b"\0" * 4,
    b"\xff" * 4,
    b"\xff" * 8,
    b"\x7f\xff\xff\xff",
    b"PK\5\6",
    b"PK\1\2",
    b"../",
    b": &a [*a]",
    b"!!python/name:os",
)
PIECES = st.binary(max_size=12) | st.sampled_from(SPECIAL)
EDITS = st.lists(st.tuples(st.integers(0, 1 << 14), st.integers(0, 40), PIECES), max_size=6)


def changed(data: bytes, other: bytes, edits: list[tuple[int, int, bytes]], splice: int) -> bytes:
    """`data` with pieces put in and taken out, and perhaps another's end."""
    for at, out, put in edits:
        start = at % (len(data) + 1)
        data = data[:start] + put + data[start + out :]
    return data[: splice % (len(data) + 1)] + other[splice % (len(other) + 1) :] if splice else data


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_a_value_or_a_clean_error(name: str, tmp_path: Path) -> None:
    target, corpus = TARGETS[name]
    for path in sorted((FOUND / name).glob("*")):
        target(path.read_bytes(), tmp_path)

    @given(st.sampled_from(corpus), st.sampled_from(corpus), EDITS, st.just(0) | st.integers(0, 1 << 14))
    @settings(max_examples=MOST, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def fuzz(data: bytes, other: bytes, edits: list[tuple[int, int, bytes]], splice: int) -> None:
        with expect_end():
            target(changed(data, other, edits, splice), tmp_path)

    end, runs = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        seed(runs)(fuzz)()
        runs += 1
    assert runs


NUMBERS = (True, 0, 1, -1, 1 << 200, 0.5, float("nan"), float("inf"), 2j)
ARRAYS = (np.zeros(0), np.ones(3), np.array(True), np.ones((2, 2), np.int8))
LEAVES = st.sampled_from((None, *NUMBERS, *ARRAYS, "", "denied", "\udc80", b"x", wire.Handle(0, "x")))
KEYS = st.sampled_from(
    ("id", "values", "tried", "hid", "differences", "error", "changed", "kind", "type", "text", "where", "x")
)
VALUE = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)
REPLY = VALUE | st.fixed_dictionaries(
    {"id": st.just(1), "values": VALUE | st.lists(VALUE, max_size=3), "tried": VALUE | st.just([])},
    optional={"hid": VALUE | st.just([]), "error": VALUE, "changed": VALUE, "differences": VALUE},
)


@pytest.mark.slow
def test_any_reply_is_its_values_or_the_students_fault(tmp_path: Path) -> None:
    """Replies of the right shape with anything in their places, which changed bytes do not come to."""

    @given(REPLY)
    @settings(max_examples=MOST, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def fuzz(reply: object) -> None:
        read_reply(wire.encode(reply), tmp_path)

    end, runs = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        seed(runs)(fuzz)()
        runs += 1
    assert runs
