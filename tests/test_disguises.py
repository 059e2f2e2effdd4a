"""The same right work, handed in in many ways: its points are the same, or a question to a person names the cause.

Each disguise writes the four files of Section 1 into a student's folder. One batch grades them all.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from grader.course.gradebook import Gradebook

ROOT = Path(__file__).parents[1]
PLACES = {
    "functions.py": "backprop",
    "layers.py": "neuralnet",
    "two_layer_net.py": "neuralnet",
    "train.py": "neuralnet",
}
WORK = {name: (ROOT / "reference" / place / name).read_bytes() for name, place in PLACES.items()}
STUBS = {name: (ROOT / "student" / place / name).read_bytes() for name, place in PLACES.items()}
SECTION_1 = ["--task", "1", "--task", "2", "--task", "3", "--task", "4.1"]
POINTS = 50.0

Disguise = Callable[[Path], None]


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def below(folder: str, files: Mapping[str, bytes] = WORK) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


def in_place(files: Mapping[str, bytes] = WORK) -> dict[str, bytes]:
    return {f"{PLACES[name]}/{name}": content for name, content in files.items()}


def files(content: Mapping[str, bytes]) -> Disguise:
    return lambda folder: put(folder, content)


def named(name: str) -> Disguise:
    """layers.py under another name."""
    return files({(name if base == "layers.py" else base): content for base, content in WORK.items()})


def layers(change: Callable[[bytes], bytes]) -> Disguise:
    return files({**WORK, "layers.py": change(WORK["layers.py"])})


def text(change: Callable[[str], str]) -> Disguise:
    return layers(lambda content: change(content.decode()).encode())


def begins(lines: str, **more: str) -> Disguise:
    """layers.py with `lines` after its imports, and further files beside it."""
    at = WORK["layers.py"].index(b"import numpy as np\n") + len(b"import numpy as np\n")
    content = WORK["layers.py"][:at] + lines.encode() + b"\n" + WORK["layers.py"][at:]
    beside = {name.replace("__", "/") + ".py": source.encode() for name, source in more.items()}
    return files({**WORK, "layers.py": content, **beside})


def network(old: str, new: str, wrap: Callable[[Mapping[str, bytes]], Mapping[str, bytes]] = dict) -> Disguise:
    """two_layer_net.py with one import written another way."""
    source = WORK["two_layer_net.py"].decode()
    assert old in source
    return files(wrap({**WORK, "two_layer_net.py": source.replace(old, new).encode()}))


IMPORT = next(line for line in WORK["two_layer_net.py"].decode().splitlines() if "import" in line and "layers" in line)
NAMES = IMPORT.partition(" import ")[2]

DISGUISES: dict[str, Disguise] = {
    # places
    "flat": files(WORK),
    "as-handed-out": files(in_place()),
    "deep": files(below("Homework 3/final version (2)/src")),
    "hidden-copies": files({**WORK, **{f"__MACOSX/._{name}": b"\0\5" for name in WORK}, ".DS_Store": b"\0"}),
    "checkpoints": files({**WORK, **{f".ipynb_checkpoints/{n[:-3]}-checkpoint.py": c for n, c in STUBS.items()}}),
    "environment": files({**WORK, "venv/lib/python3.11/site-packages/keras/layers.py": b"def f(): pass\n"}),
    "stubs-elsewhere": files({**below("mine"), **{f"handout/{name}": content for name, content in STUBS.items()}}),
    "history": files({**WORK, ".git/HEAD": b"ref: refs/heads/main\n", ".git/objects/layers.py": b"x"}),
    # names
    "windows": named("layers - Copy.py"),
    "windows-german": named("layers - Kopie (2).py"),
    "windows-french": named("layers - Copie.py"),
    "windows-spanish": named("layers - copia.py"),
    "windows-chinese": named("layers - 副本.py"),
    "windows-russian": named("layers — копия.py"),
    "macos": named("layers copy.py"),
    "macos-german": named("layers Kopie 2.py"),
    "icloud": named("layers 2.py"),
    "browser": named("layers (1).py"),
    "browser-tight": named("layers(3).py"),
    "drive": named("Copy of layers.py"),
    "drive-french": named("Copie de layers.py"),
    "dropbox": named("layers (Ada's conflicted copy 2026-11-20).py"),
    "case": named("Layers.PY"),
    "second-ending": named("layers.py.txt"),
    "doubled-ending": named("layers.py.py"),
    "unfinished": named("layers.py.download"),
    "resubmitted": named("layers-1.py"),
    "stub-beside": files({**WORK, "layers.py": STUBS["layers.py"], "layers (1).py": WORK["layers.py"]}),
    # archives
    "zip": files({"hw.zip": zipped(in_place())}),
    "zip-stored": files({"hw.zip": zipped(WORK, zipfile.ZIP_STORED)}),
    "zip-backslashes": files({"hw.zip": zipped({f"hw\\neuralnet\\{name}": c for name, c in WORK.items()})}),
    "zip-in-zip": files({"all.zip": zipped({"hw/code.zip": zipped(WORK)})}),
    "zip-beside": files({"functions.py": WORK["functions.py"],
                         "rest.zip": zipped({name: c for name, c in WORK.items() if name != "functions.py"})}),
    "zip-each": files({f"{name}.zip": zipped({name: content}) for name, content in WORK.items()}),
    "tar-gz": files({"hw.tar.gz": gzip.compress(tarred(WORK))}),
    "tar-bz2": files({"hw.tar.bz2": bz2.compress(tarred(WORK))}),
    "tar-xz": files({"hw.txz": lzma.compress(tarred(in_place()))}),
    "gz-each": files({f"{name}.gz": gzip.compress(content) for name, content in WORK.items()}),
    # encodings
    "bom": layers(lambda content: b"\xef\xbb\xbf" + content),
    "utf-16": layers(lambda content: content.decode().encode("utf-16")),
    "utf-16-be": layers(lambda content: b"\xfe\xff" + content.decode().encode("utf-16-be")),
    "latin-1": layers(lambda content: "# résumé\n".encode("latin-1") + content),
    "latin-1-told": layers(lambda content: "# -*- coding: latin-1 -*-\n# é\n".encode("latin-1") + content),
    "crlf": layers(lambda content: content.replace(b"\n", b"\r\n")),
    "cr": layers(lambda content: content.replace(b"\n", b"\r")),
    "ctrl-z": layers(lambda content: content + b"\x1a"),
    "no-last-newline": layers(lambda content: content.rstrip(b"\n")),
    "exported": text(lambda source: "#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\n"
                     "get_ipython().run_line_magic('matplotlib', 'inline')\n\n# In[2]:\n\n" + source),
    # imports
    "relative": network(IMPORT, f"from .layers import {NAMES}", in_place),
    "by-package": network(IMPORT, f"from neuralnet.layers import {NAMES}", in_place),
    "by-path": network(IMPORT, f"import os, sys\nsys.path.append(os.path.dirname(__file__))\n{IMPORT}"),
    "helper": begins("from my_tools import halve", my_tools="def halve(x):\n    return x / 2\n"),
    "helper-by-package": begins("from neuralnet.my_tools import halve", my_tools="def halve(x):\n    return x / 2\n"),
    "helper-package": begins("from tools.maths import halve", tools____init__="", tools__maths="halve = None\n"),
    "progress": begins("from tqdm import tqdm\nfor _ in tqdm(range(3)):\n    pass"),
    "style": begins("import seaborn as sns\nsns.set()\nimport matplotlib.pyplot as plt\nplt.rcParams['font.size'] = 9"),
    "compiled": begins("from numba import jit\n@jit(nopython=True)\ndef twice(x):\n    return 2 * x"),
    "drive-mount": begins("from google.colab import drive\ndrive.mount('/content/drive')"),
    "old-numpy": begins("EPSILON = np.float(1e-9)\nINDEX = np.int(3)\nBIG = np.Inf"),
    "stdout": begins("import sys\nsys.stdout.reconfigure(encoding='utf-8')\nsys.stdout.flush()"),
    "stdout-wrapped": begins("import codecs, sys\nsys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer)"),
    "logging": begins("import logging, sys\nlogging.basicConfig(stream=sys.stdout)\nlogging.warning('ready')"),
    "home": begins("import os\nHOME, USER = os.environ['HOME'], os.environ['USER']"),
    "magic": begins("%matplotlib inline"),
    "newer-python": begins("d = {'a': 1}\ns = f\"{d[\"a\"]}\""),
}  # fmt: skip
# What no grader can decide alone: here a question has to name the cause.
QUESTIONS = {"newer-python": "Python 3.12"}


# Two students' work as a platform exports it: path -> content. The platform is told by the folder's shape alone.
HW = zipped(WORK)
EXPORTS: dict[str, dict[str, bytes]] = {
    "canvas": {"lovelaceada_101_901_hw.zip": HW, "hoppergrace_LATE_102_902_hw.zip": HW},
    "canvas-attachments": {f"{who}_{at + 10 * n}_{name}": content
                           for n, who in enumerate(("lovelaceada_101", "hoppergrace_102"))
                           for at, (name, content) in enumerate(WORK.items(), start=901)},
    "moodle": {**below("Ada Lovelace_42_assignsubmission_file"), "Grace Hopper_43_assignsubmission_file/hw.zip": HW},
    "gradescope": {**below("submission_11"), **below("submission_12"), "submission_metadata.yml": b"""
submission_11: {":submitters": [{":name": Ada, ":email": ada@x.edu, ":sid": '1'}], ":created_at": 2026-11-20 10:00:00 Z}
submission_12: {":submitters": [{":name": Grace, ":email": g@x.edu, ":sid": '2'}], ":created_at": 2026-11-20 10:00:00 Z}
"""},
    "github": {**below("hw-1-submissions/hw-1-ada", in_place()), **below("hw-1-submissions/hw-1-grace", in_place())},
    "blackboard": {"HW 1_ada_attempt_2026-11-20-23-05-11_hw.zip": HW,
                   "HW 1_grace_attempt_2026-11-20-23-05-11_hw.zip": HW,
                   "HW 1_ada_attempt_2026-11-20-23-05-11.txt": b"Name: Ada Lovelace (ada)\n",
                   "HW 1_grace_attempt_2026-11-20-23-05-11.txt": b"Name: Grace Hopper (grace)\n"},
    "brightspace": {"101-2001 - Ada Lovelace - Nov 19, 2026 805 PM/hw.zip": HW,
                    "102-2002 - Grace Hopper - Nov 20, 2026 1105 PM/hw.zip": HW, "index.html": b"<html></html>"},
    "autolab": {"ada@x.edu_1_handin.zip": HW, "grace@x.edu_1_handin.zip": HW},
    "nbgrader": {f"submitted/{who}/hw1/{name}": content for who in ("ada", "grace")
                 for name, content in {**WORK, "timestamp.txt": b"2026-11-20 10:00:00 UTC"}.items()},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("platform", EXPORTS)
def test_right_work_keeps_its_points_however_a_platform_exports_it(tmp_path, platform):
    put(tmp_path / "in", EXPORTS[platform])
    batch(tmp_path / "in", tmp_path / "out")
    with Gradebook.open(tmp_path / "out") as book:
        scores = [book.report(id_).score for id_ in book.graded()]
    assert scores == [POINTS, POINTS]


def batch(folder: Path, out: Path, *arguments: object) -> None:
    command = [sys.executable, "grade.py", "batch", folder, "--out", out, *SECTION_1, "--no-html"]
    done = subprocess.run(
        [*map(str, command), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    for name, disguise in DISGUISES.items():
        (folder / "in" / name).mkdir(parents=True)
        disguise(folder / "in" / name)
    batch(folder / "in", folder / "out", "--layout", "plain")
    with Gradebook.open(folder / "out") as book:
        yield {id_: book.report(id_) for id_ in book.graded()}
    shutil.rmtree(folder)


def test_there_are_sixty_disguises():
    assert len(DISGUISES) >= 60


@pytest.mark.slow
@pytest.mark.parametrize("name", DISGUISES)
def test_right_work_keeps_its_points_in_every_disguise(graded, name):
    assert name in graded, "it was not graded at all"
    report = graded[name]
    wrong = [f"{check.name}: {check.message}" for check in report.checks if check.earned < check.points]
    if name in QUESTIONS and report.score < POINTS:
        assert any(QUESTIONS[name] in question for question in report.needs_review), report.needs_review
    else:
        assert report.score == POINTS, json.dumps(wrong, indent=1)
