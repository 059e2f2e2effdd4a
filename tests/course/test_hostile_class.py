"""A class in which some mean harm: everyone else is graded, in bounded memory, and gets what honest work gets."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hostile
import psutil
import pytest
from classes import HOMEWORK, STARRED, WANTED, Workers, class_of, graded, reports

from grader.course.batch import Batch
from grader.course.class_folder import recognise
from grader.course.gradebook import Gradebook
from grader.course.result_keys import Terms
from grader.intake import submission
from grader.loading import ROOT
from grader.model import Submission
from grader.sandbox import reader

pytestmark = [pytest.mark.medium, pytest.mark.skipif(not reader.FORKS, reason="forks on Linux alone")]

ALL = 3 << 30  # bytes of memory for a whole batch
FILES = {name: STARRED[name].read_bytes() for name in WANTED}
NO_UTF_8 = os.fsdecode(b"ren\xe9e")


def hand_in(folder: Path, **changed: bytes) -> None:
    folder.mkdir(parents=True)
    for name, content in (FILES | {f"{base}.py": content for base, content in changed.items()}).items():
        (folder / name).write_bytes(content)


def hostile_class(folder: Path) -> Path:
    """One of each, beside three who did the work."""
    class_of(folder, "right-tabs", "right-loops")
    hand_in(folder / NO_UTF_8)
    (folder / os.fsdecode(b"\xff\xfe")).mkdir()
    (folder / os.fsdecode(b"\xff\xfe") / os.fsdecode(b"\xe9.txt")).write_bytes(b"nothing wanted")
    hostile.global_headers(folder / "headers.tar.gz", FILES)
    hostile.folders(folder / "folders.tar.gz")
    hostile.empty_members(folder / "empty.tar.gz", members=3_000_000)
    hand_in(folder / "nested", train=hostile.nested(FILES["train.py"]))
    hand_in(folder / "long", train=hostile.long_tuple(FILES["train.py"], 0.9))
    hand_in(folder / "longer", train=hostile.long_tuple(FILES["train.py"], 8), layers=hostile.large_answers(b""))
    hand_in(folder / "large", layers=hostile.large_answers(FILES["layers.py"]))
    return folder


def hasty(folder: Path) -> Path:
    """The homework with a reader's clock that ends soon."""
    shutil.copytree(ROOT / "grader" / "homework", folder, ignore=shutil.ignore_patterns("__pycache__"))
    rubric = folder / "rubric.yaml"
    rubric.write_text(rubric.read_text(encoding="utf-8").replace("read_cpu: 15", "read_cpu: 8"), encoding="utf-8")
    return folder


class Watch(threading.Thread):
    """The most memory that a process and all below it had together."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak = psutil.Process(pid), 0

    def run(self) -> None:
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            total = 0
            for one in [self.process, *self.process.children(recursive=True)]:
                try:
                    total += one.memory_full_info().uss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)
            time.sleep(0.1)


def by_limit() -> Iterator[Callable[[], None]]:
    """What a batch calls before it begins, so that each of its processes has ALL bytes of addresses at most."""
    yield lambda: resource.setrlimit(resource.RLIMIT_AS, (ALL, ALL))


def by_group() -> Iterator[Callable[[], None]]:
    """The same, so that all of its processes together have ALL bytes of memory at most. Skips where this process may
    make no such group, below its own, of version 2."""
    told = next((line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line[:3] == "0::"), "")
    root = Path("/sys/fs/cgroup")
    if not (root / "cgroup.controllers").is_file():
        pytest.skip(f"{root} holds no groups of version 2")
    group = root / told.strip("/") / f"backgrade-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no group can be made at {group}: {error.strerror}")
    try:
        (group / "memory.max").write_text(str(ALL))
        (group / "memory.swap.max").write_text("0")
    except OSError as error:
        group.rmdir()
        pytest.skip(f"a group at {group} has no limit of memory: {error.strerror}")
    yield lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None
    assert "oom_kill 0" in (group / "memory.events").read_text().splitlines()
    (group / "cgroup.kill").write_text("1")
    group.rmdir()


@pytest.fixture(params=[by_limit, by_group])
def held(request) -> Iterator[Callable[[], None]]:
    yield from request.param()


def test_everyone_is_graded_in_three_gibibytes(tmp_path, held):
    folder = hostile_class(tmp_path / "class")
    words = ["batch", folder, "--out", tmp_path / "out", "--task", "1", "--task", "2", "--seed", "5", "--jobs", "1",
             "--homework", hasty(tmp_path / "homework")]  # fmt: skip
    command = [sys.executable, str(ROOT / "grade.py"), *map(os.fsencode, words)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=held,
    ) as process:
        watch = Watch(process.pid)
        watch.start()
        out, err = process.communicate(timeout=550)
    assert process.returncode == 0, (out, err)
    assert watch.peak < ALL
    found = reports(tmp_path / "out")
    honest = ("right-tabs", "right-loops", "rene")
    assert {name: found[name]["score"] for name in honest} == dict.fromkeys(honest, 30)
    assert (found["nested"]["score"], found["long"]["score"]) == (30, 30)
    assert found["large"]["score"] == 10
    assert found["longer"]["score"] <= 30
    verdicts = {check["verdict"] for one in found.values() for task in one["tasks"] for item in task["items"]
                for check in item["checks"]}  # fmt: skip
    assert "INTERNAL" not in verdicts
    with Gradebook.open(tmp_path / "out") as book:
        problems = {one.id: one.problem for one in book.students() if one.problem}
    assert "headers.tar.gz holds headers on all members" in problems["headers"]
    assert "folders.tar.gz holds more than 50000 files and folders" in problems["folders"]
    assert "empty.tar.gz takes longer than" in problems["empty"]
    assert any("holds none of functions.py" in problem for problem in problems.values())
    assert len(found) + len(problems) == 11
    assert (tmp_path / "out" / "index.html").is_file()


NO_HIDDEN = b"""
_made = TwoLayerNet.__init__
def _init(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
    _made(self, input_dim, num_classes, 0 if input_dim == 3072 else hidden_dim, weight_scale)
TwoLayerNet.__init__ = _init
"""
ENDLESS_AXES = b"""
_step, _n = training_step, [0]
def training_step(model, X, y, reg):
    loss, grads = _step(model, X, y, reg)
    if X.shape[1] == 3072:
        _n[0] += 1
        loss = 1e307 if _n[0] % 2 else -1e307
    return loss, grads
"""


@pytest.mark.slow
def test_what_is_drawn_and_what_is_in_notebooks_costs_the_honest_nothing(tmp_path):
    """Also where the current folder says how matplotlib should draw."""
    pytest.importorskip("torch")
    folder = tmp_path / "class"
    hand_in(folder / "honest")
    hand_in(folder / "no-hidden", two_layer_net=FILES["two_layer_net.py"] + NO_HIDDEN)
    hand_in(folder / "axes", train=FILES["train.py"] + ENDLESS_AXES)
    hand_in(folder / "pictures")
    numbers = ", ".join(f"{n * (2**61 - 1)}: 1" for n in range(20_000))
    source = f"labels = {{{numbers}}}\nimage = open('a.jpg')"
    cell = {"cell_type": "code", "id": "a", "execution_count": 1, "metadata": {}, "source": source, "outputs": []}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    (folder / "pictures" / "part2.ipynb").write_text(json.dumps(notebook))
    (folder / "pictures" / "a.jpg").write_bytes(hostile.passes())
    (tmp_path / "matplotlibrc").write_text("backend: module://evil\nfigure.dpi: 1e9\n")
    words = ["batch", "class", "--out", "out", "--task", "4.1", "--task", "4.2", "--task", "6", "--seed", "5"]
    command = [sys.executable, str(ROOT / "grade.py"), *words, "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        watch = Watch(process.pid)
        watch.start()
        out, err = process.communicate(timeout=550)
    assert process.returncode == 0, (out, err)
    assert watch.peak < ALL
    found = reports(tmp_path / "out")
    verdicts = {name: {check["name"]: check["verdict"] for task in one["tasks"] for item in task["items"]
                       for check in item["checks"]} for name, one in found.items()}  # fmt: skip
    assert sorted(found) == ["axes", "honest", "no-hidden", "pictures"]
    assert not any("INTERNAL" in one.values() for one in verdicts.values())
    assert all(one["training_step_loss"] == "PASS" for one in verdicts.values())
    assert (verdicts["honest"]["best_model"], verdicts["pictures"]["best_model"]) == ("PASS", "PASS")
    assert verdicts["no-hidden"]["best_model"] != "PASS"
    assert len(list((tmp_path / "out" / "reports").glob("*.html"))) == 4


def test_a_reading_that_is_the_graders_fault_is_for_a_person_and_stops_nobody(tmp_path, scripted, monkeypatch):
    def fail(path: Path, *given: object, **named: object) -> Submission:
        if path.name == "right-loops":
            raise reader.ReaderFault("right-loops could not be read: Traceback\n  line 1\nKeyError: 'cells'\n")
        return read(path, *given, **named)

    read = submission.read
    monkeypatch.setattr(submission, "read", fail)
    folder = class_of(tmp_path / "in", "right-tabs", "right-loops")
    scripted(lambda job, time: graded(job))
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=5)
        batch = Batch(book, book.run(), HOMEWORK, Terms(5, ("2",)), workers=Workers(), audiences=())
        progress = batch.grade(recognise(folder))
        assert (list(progress.faults), progress.failed, progress.graded, progress.done) == (["right-loops"], 1, 1, 2)
        assert book.report("right-loops") is None
        assert book.student("right-loops").problem == (
            "a fault of the grader kept this from being read (KeyError: 'cells'); a person has to look at it"
        )
        assert book.report("right-tabs").score == 20
