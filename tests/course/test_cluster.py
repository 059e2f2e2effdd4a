"""A Dask cluster on loopback: the same grades as here, also when one of its workers is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from grader.course.batch import Batch, Progress
from grader.course.class_folder import recognise
from grader.course.cluster import Cluster
from grader.course.folder_lock import claim
from grader.course.gradebook import Gradebook
from grader.course.job import Place
from grader.course.pool import Pool, Workers
from grader.course.result_keys import Terms
from grader.errors import UsageError

pytest.importorskip("distributed")

from classes import CLASS, class_of, reports

pytestmark = pytest.mark.medium

SECTION_1 = ("1", "2", "3", "4.1")


@contextmanager
def started(folder: Path, module: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """`dask scheduler` or `dask worker`, as their users type them."""
    # With warnings as errors, distributed's own would end it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    command = [
        sys.executable,
        "-m",
        f"distributed.cli.{module}",
        "--scheduler-file",
        str(folder / "scheduler.json"),
        *more,
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=folder
    )
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_cluster_gives_the_same_grades_also_when_a_worker_is_killed(tmp_path):
    folder = class_of(tmp_path / "in", *CLASS, "right-prints", "partial-task-1", "odd-raises")
    worker = ("dask_worker", "--nthreads", "1", "--no-dashboard", "--local-directory", str(tmp_path))
    with (
        started(tmp_path, "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        started(tmp_path, *worker, "--no-nanny") as victim,
        started(tmp_path, *worker),
    ):
        address = address_in(tmp_path / "scheduler.json")

        def show(progress: Progress) -> None:
            if progress.graded >= 2 and victim.poll() is None:
                victim.kill()

        progress = grade(tmp_path / "there", folder, Cluster(address), show=show)
        assert victim.poll() is not None
        assert progress.faults == {}
        assert (progress.graded, progress.done) == (9, 9)
    (tmp_path / "here").mkdir()
    with claim(tmp_path / "here") as scratch:
        grade(tmp_path / "here", folder, Pool(2, scratch))
    assert reports(tmp_path / "there") == reports(tmp_path / "here")


@pytest.mark.slow
def test_a_local_cluster_of_threads_gives_each_thread_a_bench_of_its_own(tmp_path):
    import distributed

    folder = class_of(tmp_path / "in", *CLASS)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=None) as cluster:
        progress = grade(tmp_path / "there", folder, Cluster(cluster.scheduler_address))
    assert (progress.graded, progress.faults) == (6, {})
    with Gradebook.open(tmp_path / "there") as book:
        assert book.report("right-tabs").score == 50


@pytest.mark.slow
def test_a_scheduler_without_workers_is_told_and_one_that_is_lost_is_a_sentence(tmp_path):
    import dask

    folder = class_of(tmp_path / "in", *CLASS[:2])
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "2s"}),
        started(tmp_path, "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard") as scheduler,
    ):
        address = address_in(tmp_path / "scheduler.json")
        idle: list[bool] = []

        def show(progress: Progress) -> None:
            idle.append(progress.idle)
            if len(idle) == 3:
                scheduler.kill()

        with pytest.raises(UsageError, match=f"the Dask scheduler at {address} is gone; restart it and its workers"):
            grade(tmp_path / "there", folder, Cluster(address), show=show)
        assert idle[:3] == [True] * 3


def grade(out: Path, folder: Path, workers: Workers, **more: object) -> Progress:
    with Gradebook.create(out) as book:
        run = book.begin(seed=5)
        return Batch(book, run, Place(), Terms(5, SECTION_1), workers=workers, **more).grade(recognise(folder))


def address_in(file: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.is_file() and (text := file.read_text(encoding="utf-8")).endswith("}"):
            return str(json.loads(text)["address"])
        time.sleep(0.1)
    raise TimeoutError("the scheduler did not start")


def test_a_scheduler_that_does_not_answer_is_a_sentence(monkeypatch):
    monkeypatch.setattr("grader.course.cluster.WAIT", 0.5)
    with pytest.raises(UsageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        Cluster("tcp://127.0.0.1:9").start()
    for address in ("nonsense", "nonsense:x", "foo://host:1", ""):
        with pytest.raises(UsageError, match="is not the address of a scheduler; write it as tcp://HOST:8786"):
            Cluster(address)


def test_without_dask_a_sentence_says_what_to_type(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UsageError, match=r"a cluster needs Dask; type: python -m pip install -e '\.\[cluster\]'"):
        Cluster("tcp://127.0.0.1:8786")
