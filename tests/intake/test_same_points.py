"""One right submission in many disguises: names, archives, encodings, helper modules. The points are the same."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from grader.grading import grade
from grader.intake.submission import read, stubs
from grader.loading import ROOT, load

pytestmark = pytest.mark.medium

HOMEWORK = load(ROOT / "grader" / "homework")
ASKED = [name for section in HOMEWORK.rubric.sections for name in section.submit]
STUBS = stubs(HOMEWORK.handout, ASKED)
FILES = {
    Path(path).name: (ROOT / "reference" / path).read_bytes()
    for section in HOMEWORK.rubric.sections
    for path in section.modules.values()
}
LAYERS = FILES["layers.py"].decode()
MAX = 50  # of Tasks 1, 2, 3 and 4.1


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def other(name: str) -> dict[str, bytes]:
    return {name if base == "layers.py" else base: content for base, content in FILES.items()}


REST = {base: content for base, content in FILES.items() if base != "layers.py"}
NAMES = [
    "layers (1).py",
    "layers - Copy.py",
    "layers - Kopie (2).py",
    "Copie de layers.py",
    "layers copia.py",
    "layers 2.py",
    "layers.py.txt",
    "layers.PY",
    "Layers.py",
    "layers (conflicted copy 2024-01-01).py",
    "layers-DESKTOP-ABC.py",
    "layers_final.py",
    "hw1_layers.py",
    "layers-1.py",
    "lovelaceada_1234_567_layers.py",
    "layers.py.download",
    "layersのコピー.py",
    "layers - 副本.py",
    "Копия layers.py",
    "layers - 복사본.py",
    ".layers.py.icloud",
    "._layers.py",
    "layers.py.ipynb",
    "layers",
    "ｌａｙｅｒｓ.py",
    "layers .py",
    "Kopie von layers.py",
    "Cópia de layers.py",
    "layers — копия.py",
]
AS_THEY_ARE = {
    **{name: other(name) for name in NAMES},
    **{f"stub beside {name}": other(name) | {"layers.py": STUBS["layers.py"]} for name in NAMES if name != "layers.PY"},
    "zip beside": REST | {"code.zip": zipped({"layers.py": FILES["layers.py"]})},
    "zip in zip": {"hw.zip": zipped({"a/hw.zip": zipped(FILES)})},
    "two zips": {"1.zip": zipped({"layers.py": FILES["layers.py"]}), "2.zip": zipped(REST)},
    "tar beside": REST | {"code.tgz": tarred({"neuralnet/layers.py": FILES["layers.py"]})},
    "gz": REST | {"layers.py.gz": gzip.compress(FILES["layers.py"])},
    "env": {f"env/{name}": content for name, content in FILES.items()},
    "backslashes": {"hw.zip": zipped({f"C:\\hw\\{name}": content for name, content in FILES.items()})},
}


def handed_in(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("disguise", AS_THEY_ARE)
def test_the_same_bytes_are_the_same_submission(tmp_path, disguise):
    work = read(handed_in(tmp_path, AS_THEY_ARE[disguise]), ASKED, STUBS)
    assert work.files == FILES
    assert (work.questions, work.faults) == ({}, {})


def notebook(text: str) -> bytes:
    cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", *text.splitlines(keepends=True)]}]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()


CHANGED = {
    "utf-16": {"layers.py": LAYERS.encode("utf-16")},
    "cr": {"layers.py": LAYERS.replace("\n", "\r").encode()},
    "cp1252": {"layers.py": b"# \x92s\n" + LAYERS.encode()},
    "nul": {"layers.py": LAYERS.encode() + b"\0"},
    "notebook": {"layers.py": notebook(LAYERS)},
    "magics": {"layers.py": f"%matplotlib inline\n!pip install numpy\n{LAYERS}".encode()},
    "exported": {"layers.py": f"get_ipython().run_line_magic('matplotlib', 'inline')\n{LAYERS}".encode()},
    "helper": {"layers.py": b"from my_layers import *\n", "my_layers.py": LAYERS.encode()},
    "package": {
        "neuralnet/layers.py": b"from tools.mine import *\n",
        "neuralnet/tools/__init__.py": b"",
        "neuralnet/tools/mine.py": LAYERS.encode(),
    },
}


@pytest.mark.parametrize("disguise", CHANGED)
def test_what_is_changed_on_the_way_gets_the_same_points(tmp_path, disguise):
    work = read(handed_in(tmp_path, REST | CHANGED[disguise]), ASKED, STUBS)
    report = grade(work, HOMEWORK, seed=1, only=("1", "2", "3", "4.1"))
    assert (report.score, report.max_score) == (MAX, MAX)
    assert not report.needs_review


def test_what_cannot_be_imported_is_told_where_it_is_asked_for(tmp_path):
    page = b"<!DOCTYPE html><html></html>"
    report = grade(
        read(handed_in(tmp_path, REST | {"layers.py": page}), ASKED, STUBS), HOMEWORK, seed=1, only=("1", "2.1", "3")
    )
    told = {item.id: item for item in report.items}
    assert told["1.1"].score == 10
    assert all("layers.py cannot be imported: it is a web page" in check.message for check in told["2.1"].checks)
    assert told["3.1"].score == told["3.1"].max_score  # it costs once
    assert all("two_layer_net.py imports layers.py" in check.followed.first.message for check in told["3.1"].checks)
