"""grade.py data: the table, and fetching from a server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import server

from grader import cli
from grader.command import data
from grader.data import download
from grader.loading import OWN, load
from grader.model import Homework
from grader.report import progress

ROOT = Path(__file__).parents[2]
FOLDER = "cifar-10-batches-py"
PLANS = load(OWN).rubric.data
FILES = {name: random.Random(name).randbytes(900) for name in PLANS["cifar10"].files}
IMAGES = {name: gzip.compress(name.encode(), mtime=0) for name in PLANS["fashion-mnist"].files}
(WEIGHTS,) = PLANS["squeezenet"].files


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in FILES.items():
            info = tarfile.TarInfo(f"{FOLDER}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def declare(monkeypatch: pytest.MonkeyPatch, name: str, **changes: object) -> None:
    """Have the command load the homework with something else declared of a data set."""
    before = data.load

    def changed(folder: Path) -> Homework:
        homework = before(folder)
        plans = {**homework.rubric.data, name: replace(homework.rubric.data[name], **changes)}
        return replace(homework, rubric=replace(homework.rubric, data=plans))

    monkeypatch.setattr(data, "load", changed)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty machine: no data, no weights, no package of Debian's."""
    declare(monkeypatch, "fashion-mnist", places=("FashionMNIST/raw", ".", str(tmp_path / "debian")))
    monkeypatch.setattr(download, "PAUSE", 0.0)
    for name in ("TORCH_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "torch"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "root"


@pytest.fixture
def site(monkeypatch):
    """A server whose files are the official ones as far as the command knows."""
    packed = archive()
    (archived,) = PLANS["cifar10"].fetch
    declare(monkeypatch, "cifar10", fetch=(replace(archived, md5=md5(packed), size=len(packed)),))
    sums = [replace(one, md5=md5(image), size=len(image)) for one, image in zip(
        PLANS["fashion-mnist"].fetch, IMAGES.values(), strict=True)]  # fmt: skip
    declare(monkeypatch, "fashion-mnist", fetch=tuple(sums))
    with server.serving({"c.tar.gz": packed} | {f"fashion/{name}.gz": image for name, image in IMAGES.items()}) as site:
        yield site


def run(root, *words):
    return cli.main(["data", "--data-root", str(root), *words])


def test_an_empty_machine_is_told_how_to_come_by_everything(root, capsys):
    assert run(root) == 0
    out = capsys.readouterr().out
    assert out.count("– absent") == 3
    for cure in ("python grade.py data cifar10", "data fashion-mnist", "dataset-fashion-mnist", WEIGHTS):
        assert cure in out
    assert not root.exists()


def test_what_is_here_is_shown_with_place_size_and_whether_it_is_official(root, capsys, monkeypatch, tmp_path):
    (root / FOLDER).mkdir(parents=True)
    (root / FOLDER / "data_batch_1").write_bytes(b"x" * 1500)
    (root / WEIGHTS).write_bytes(b"x")
    assert run(root, "--json", str(tmp_path / "t.json")) == 0
    out = capsys.readouterr().out
    assert "CIFAR-10 ✗ damaged 1.5 kB" in " ".join(out.split())
    assert "SqueezeNet 1.1 ? unverified" in " ".join(out.split())
    table = json.loads((tmp_path / "t.json").read_text())
    assert table["root"] == str(root)
    states = {place["name"]: place["state"] for place in table["data"]}
    assert states == {"CIFAR-10": "damaged", "Fashion-MNIST": "absent", "SqueezeNet 1.1": "unverified"}


def test_cifar10_is_fetched_verified_and_unpacked(root, site, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    site.manners = [server.cut(300), server.whole]
    assert run(root, "cifar10", "--url", f"{site.url}/c.tar.gz") == 0
    assert "cifar-10-python.tar.gz: 300 bytes of " in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (root / FOLDER).iterdir()} == FILES
    assert [path.name for path in root.iterdir()] == [FOLDER]
    assert site.ranges == [None, "bytes=300-"]


def test_what_is_there_is_not_fetched_again(root, site, capsys):
    (root / FOLDER).mkdir(parents=True)
    for name, content in FILES.items():
        (root / FOLDER / name).write_bytes(content)
    assert run(root, "cifar10", "--url", f"{site.url}/c.tar.gz") == 2
    error = capsys.readouterr().err
    assert "data_batch_1 is not the official file" in error
    assert f"move {root / FOLDER} away" in error
    assert site.ranges == []
    assert {path.name: path.read_bytes() for path in (root / FOLDER).iterdir()} == FILES


def test_a_wrong_archive_is_refused_unless_named_so(root, site, capsys):
    site.files["c.tar.gz"] = archive()[:-1] + b"!"
    assert run(root, "cifar10", "--url", f"{site.url}/c.tar.gz") == 2
    assert "is not the official file" in capsys.readouterr().err
    assert list(root.iterdir()) == []
    site.files["c.tar.gz"] = archive() + bytes(512)
    assert run(root, "cifar10", "--url", f"{site.url}/c.tar.gz", "--unverified") == 0
    assert (root / FOLDER).is_dir()


def test_an_archive_of_something_else_is_one_sentence(root, site, capsys):
    site.files["c.tar.gz"] = b"<html>"
    assert run(root, "cifar10", "--url", f"{site.url}/c.tar.gz", "--unverified") == 2
    assert "cannot be unpacked" in capsys.readouterr().err
    assert not (root / FOLDER).exists()


def test_fashion_mnist_is_fetched_in_the_layout_of_torchvision(root, site):
    site.manners = [server.whole, server.cut(10), server.whole]
    assert run(root, "fashion-mnist", "--url", f"{site.url}/fashion/") == 0
    raw = root / "FashionMNIST" / "raw"
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == {name: name.encode() for name in IMAGES}
    assert [path.name for path in root.iterdir()] == ["FashionMNIST"]


def test_half_of_fashion_mnist_is_none_of_it_and_is_gone_on_with(root, site, capsys):
    last = site.files.popitem()
    assert run(root, "fashion-mnist", "--url", f"{site.url}/fashion") == 2
    assert "answers 404 Not Found" in capsys.readouterr().err
    assert not (root / "FashionMNIST").exists()
    site.files[last[0]] = last[1]
    site.ranges.clear()
    assert run(root, "fashion-mnist", "--url", f"{site.url}/fashion") == 0
    assert len(site.ranges) == 1
    assert (root / "FashionMNIST").exists()


def test_usage_is_exit_code_2(root, capsys):
    assert run(root, "--url", "http://127.0.0.1") == 2
    assert "--url needs the name of a data set" in capsys.readouterr().err
    assert run(root, "cifar10", "--url", "nowhere") == 2
    assert "is not an address" in capsys.readouterr().err
    assert run(root, "mnist") == 2
    assert "there is no data set mnist to download; name cifar10 or fashion-mnist" in capsys.readouterr().err
    assert run(root, "squeezenet") == 2  # the table says where it is to be had


def test_a_terminal_gets_a_bar_and_a_pipe_gets_none(root, site, capsys, monkeypatch):
    assert run(root, "cifar10", "--url", f"{site.url}/c.tar.gz") == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run(root, "fashion-mnist", "--url", f"{site.url}/fashion") == 0
    assert "train-images-idx3-ubyte" in capsys.readouterr().err


def test_a_terminal_without_unicode_gets_plain_marks(root):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    words = [sys.executable, ROOT / "grade.py", "data", "--data-root", root]
    run = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "- absent" in run.stdout
