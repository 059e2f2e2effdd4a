"""The pool: ended in time whatever it is at, and blind to what lies in the folder where a batch is typed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from grader.course.pool import Pool, ThroughFiles, held_back
from grader.errors import UsageError
from grader.sandbox.launch import ROOT

pytestmark = pytest.mark.medium

LARGE = 20_000_000  # bytes of an answer: whenever a process dies, it is in the middle of one

STARTS = """\
import os, psutil, sys
from concurrent.futures import wait
from pathlib import Path
from grader.course.pool import Pool

def pool_processes():
    below = psutil.Process().children(recursive=True)
    return [one for one in below if one.ppid() != os.getpid() and "forkserver" in " ".join(one.cmdline())]

if __name__ == "__main__":
    for trial in range(4):
        pool = Pool(2, Path(sys.argv[1]))
        executor = pool.start()
        wait([executor.submit(len, "") for _ in range(2)])
        victim = pool_processes()[0]
        answers = [executor.submit(bytes, {large}) for _ in range(40)]
        wait(answers[:3])
        {then}
        pool.stop()
"""
KILLED = """
        victim.kill()
        wait(answers)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="they are found by Linux's way to start them")
@pytest.mark.parametrize("then", ["", KILLED], ids=["stopped", "killed"])
def test_processes_that_end_in_the_middle_of_an_answer_hold_nobody_up(tmp_path, then):
    """In a process of its own, which can be ended where it hangs."""
    script = STARTS.format(large=LARGE, then=then.strip())
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, timeout=180, check=True)


ENDED = """\
import os, signal, sys, threading, time
from pathlib import Path
from grader.course.pool import Pool

if __name__ == "__main__":
    pool = Pool(1, Path(sys.argv[1]))
    executor = pool.start()
    {beside}
    if os.fork() == 0:
        signal.signal(signal.{name}, signal.SIG_IGN)
        time.sleep(0.3)  # what forks the processes still imports
        {sent}
        os._exit(0)
    signal.signal(signal.{name}, lambda *given: sys.exit(7))
    try:
        executor.submit(time.sleep, 1.5).result()  # longer than the signal takes to come
    finally:
        pool.stop()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a fork server is Linux's way to start them")
@pytest.mark.parametrize(
    ("name", "sent"),
    [("SIGINT", "os.killpg(os.getpgid(0), signal.SIGINT)"), ("SIGTERM", "os.kill(os.getppid(), signal.SIGTERM)")],
)
@pytest.mark.parametrize("beside", ["", "threading.Thread(target=time.sleep, args=(3,), daemon=True).start()"])
def test_a_signal_while_processes_start_ends_them_without_a_word(tmp_path, name, sent, beside):
    """Also beside another thread, as one that shows progress, which may take the signal."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", ENDED.format(name=name, sent=sent, beside=beside), str(tmp_path)],
        env=environment, timeout=180, start_new_session=True, capture_output=True, text=True,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (7, "")


def test_an_answer_or_an_error_comes_through_and_leaves_no_file(tmp_path):
    pool = Pool(1, tmp_path)
    try:
        executor = pool.start()
        assert executor.submit(sorted, [2, 1], reverse=True).result(60) == [2, 1]
        with pytest.raises(UsageError, match="a sentence"):
            executor.submit(refuse, "a sentence").result(60)
        assert list(tmp_path.iterdir()) == []
    finally:
        pool.stop()


@pytest.mark.parametrize("error", [EOFError, ConnectionRefusedError, BrokenPipeError])
def test_where_what_forks_the_processes_has_ended_the_pool_is_broken(tmp_path, monkeypatch, error):
    """So that a batch starts another, and does not end."""

    def fail(executor: ThroughFiles) -> None:
        raise error

    monkeypatch.setattr(ThroughFiles, "_adjust_process_count", fail)
    pool = Pool(1, tmp_path)
    try:
        with pytest.raises(BrokenExecutor):
            pool.start().submit(len, "")
    finally:
        pool.stop()


def refuse(sentence: str) -> None:
    raise UsageError(sentence)


PLANTED = """\
import os
with open(os.environ["PLANTED"], "a") as file:
    file.write(__file__ + chr(10))
"""
WHERE = """\
import json, sys
from pathlib import Path
from grader.course.pool import Pool

if __name__ == "__main__":
    pool = Pool(1, Path(sys.argv[1]))
    found = pool.start().submit(eval, "[__import__('grader').__file__, __import__('sys').path]").result()
    pool.stop()
    print(json.dumps(found))
"""


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A folder with a student's files for much of what the grader imports; what is run of them is noted."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("numpy", "multiprocessing", "json", "yaml"):
        (folder / f"{name}.py").write_text(PLANTED)
    (folder / "grader").mkdir()
    (folder / "grader" / "__init__.py").write_text(PLANTED)
    monkeypatch.setenv("PLANTED", str(tmp_path / "ran"))
    return folder


def test_the_pool_imports_this_checkout_and_nothing_from_where_it_is_started(tmp_path, planted, monkeypatch):
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "grader", checkout / "grader", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "where.py").write_text(WHERE)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (tmp_path / "scratch").mkdir()
    run = subprocess.run(
        [sys.executable, checkout / "where.py", tmp_path / "scratch"],
        cwd=planted, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    file, path = json.loads(run.stdout)
    assert Path(file) == checkout / "grader" / "__init__.py"
    assert not {"", str(planted)} & set(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_a_batch_that_is_typed_in_the_classs_folder_runs_nothing_of_it_as_itself(tmp_path, planted):
    (planted / "ada").mkdir()
    shutil.copyfile(ROOT / "reference" / "neuralnet" / "layers.py", planted / "ada" / "layers.py")
    for words in (["batch", ".", "--out", "../out", "--task", "2.2", "--jobs", "1", "--layout", "plain"],
                  ["gradebook", "../out", "list"], ["ada", "--task", "2.2", "--no-html"]):  # fmt: skip
        run = subprocess.run(
            [sys.executable, ROOT / "grade.py", *words],
            cwd=planted, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
    assert "ada" in run.stdout
    assert not (tmp_path / "ran").exists()


@pytest.mark.skipif(os.name != "posix", reason="sockets have paths on POSIX alone")
def test_a_temporary_folder_whose_name_is_too_long_is_told(tmp_path, monkeypatch):
    long = tmp_path / ("a" * 90)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with pytest.raises(UsageError, match=r"too long for a socket; set TMPDIR to a folder with a shorter one"):
        Pool(1, tmp_path).start()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="on Windows no signal waits")
def test_a_signal_that_another_thread_takes_waits_and_is_not_lost():
    taken, seen = threading.Event(), []
    other = threading.Thread(target=taken.wait)
    other.start()  # it holds no signal back
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with held_back():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            assert seen == []
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
        taken.set()
        other.join()
