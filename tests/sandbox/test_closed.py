"""The reference reaches nothing of this machine while a student's code may choose what it is asked."""

from __future__ import annotations

import codecs
import os
import pickle
import shutil
import socket
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from grader.sandbox.closed import Act, closed
from grader.sandbox.parts import Parts, TooMuch

SECRET = "a secret of the grader's"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    return tmp_path / "secret"


def reraise(error: OSError) -> None:
    raise error


ACTS = {
    "open": lambda path: open(path).read(),  # noqa: PTH123, SIM115
    "read_text": lambda path: path.read_text(),
    "os.open": lambda path: os.open(path, os.O_RDONLY),
    "numpy": lambda path: np.loadtxt(path, dtype=str),
    "pickle": lambda path: pickle.loads(path.read_bytes()),
    "codecs": lambda path: codecs.open(str(path)).read(),  # noqa: SIM115
    "makedirs": lambda path: os.makedirs(path.with_name("mine") / "deeper"),  # noqa: PTH103
    "walk": lambda path: list(os.walk(path.parent, onerror=reraise)),
    "write": lambda path: path.write_text("mine"),
    "unlink": lambda path: path.unlink(),
    "rename": lambda path: path.rename(path.with_name("mine")),
    "list": lambda path: list(path.parent.iterdir()),
    "link": lambda path: path.with_name("mine").symlink_to(path),
    "copy": lambda path: shutil.copyfile(path, path.with_name("mine")),
    "process": lambda path: subprocess.run(["cat", path], check=True),
    "system": lambda path: os.system(f"cat {path}"),
    "fork": lambda path: os.fork() or os._exit(0),
    "network": lambda path: socket.create_connection(("127.0.0.1", 9)),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_every_act_is_refused(act, secret: Path) -> None:
    with closed() as refusing, pytest.raises(Act):
        act(secret)
    assert refusing.tried
    assert secret.read_text() == SECRET
    assert [path.name for path in secret.parent.iterdir()] == ["secret"]


def test_files_of_its_own_folder_are_none_of_a_students(secret: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with closed(str(tmp_path / "own")) as refusing:
        own = tmp_path / "own" / "model.pkl"
        own.write_bytes(pickle.dumps(np.ones(2)))
        assert pickle.loads(own.read_bytes()).sum() == 2
        assert not refusing.tried
        for other in (tmp_path / "own" / ".." / "secret", tmp_path / "owned"):
            with pytest.raises(Act):
                other.read_text()


def test_what_computes_imports_and_warns_is_let_alone(secret: Path) -> None:
    sys.modules.pop("colorsys", None)
    with closed() as refusing:
        import colorsys  # noqa: F401

        warnings.warn("of old code", DeprecationWarning, stacklevel=1)
        assert np.linalg.norm([3.0, 4.0]) == 5
    assert not refusing.tried


def test_other_threads_and_what_comes_later_are_let_alone(secret: Path) -> None:
    found = []
    with closed():
        thread = threading.Thread(target=lambda: found.append(secret.read_text()))
        thread.start()
        thread.join()
    assert [*found, secret.read_text()] == [SECRET, SECRET]


@pytest.mark.parametrize("caught", [False, True])
def test_a_right_part_that_opens_a_file_answers_nothing(secret: Path, caught: bool) -> None:
    def load(path: str) -> str:
        try:
            return Path(path).read_text()
        except OSError:
            if caught:
                return "nothing there"
            raise

    parts = Parts({"net.load": load}, {}, {})
    with pytest.raises(TooMuch, match="a right load opens files"):
        parts.answer("net.load", (str(secret),), {}, {})
    assert parts.too_much
