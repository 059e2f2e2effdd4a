"""Starting workers: what they find, what they may read, and zygotes that end early."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from grader.model import Limits, Section, Submission
from grader.sandbox import launch
from grader.sandbox.launch import ROOT, Zygotes, environment, spawn
from grader.sandbox.remote import Module
from grader.sandbox.session import Session

pytestmark = pytest.mark.medium

NEEDS = (("", ""), (), ())
SECTION = Section("numpy", {"layers": "neuralnet/layers.py"}, ("layers.py",), forbid=("torch",))
CODE = {"layers.py": b"def f(): return 7\ndef g():\n    while True: pass\n"}
linux = pytest.mark.skipif(not launch.FORKS, reason="zygotes are for Linux")


def session(start: launch.Launch) -> Session:
    opened = Session(SECTION, Submission("s", CODE, {}, ""), {}, Limits(), start(SECTION))
    opened.begin(0)
    return opened


def wait_for(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def test_an_environment_holds_nothing_of_the_graders(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    found = environment(Path("/scratch"))
    assert "SECRET" not in found
    assert found["HOME"] == found["TMPDIR"] == "/scratch"
    assert found["OPENBLAS_NUM_THREADS"] == found["OMP_NUM_THREADS"] == "1"


@linux
def test_a_zygote_is_warm_ahead_and_ends_with_its_context():
    with Zygotes(ahead=True) as zygotes:
        pid = zygotes.spare.popen.pid
        with session(zygotes.launch) as opened:
            assert Module(opened, "layers").f() == 7
            assert psutil.Process(opened.process.child.pid).ppid() == pid
    assert not psutil.pid_exists(pid)


@linux
def test_a_zygote_that_was_killed_is_replaced():
    with Zygotes(ahead=True) as zygotes:
        with session(zygotes.launch) as opened:
            assert Module(opened, "layers").f() == 7
        first = zygotes.warm[NEEDS].popen
        first.send_signal(signal.SIGKILL)
        first.wait()
        with session(zygotes.launch) as opened:
            assert Module(opened, "layers").f() == 7
        assert zygotes.warm[NEEDS].popen.pid != first.pid


@linux
def test_a_worker_dies_with_its_zygote_and_that_is_no_fault_of_the_students():
    with Zygotes(ahead=True) as zygotes:
        opened = session(zygotes.launch)
        assert Module(opened, "layers").f() == 7
        worker = opened.process.child.pid
        zygotes.warm[NEEDS].popen.kill()
        zygotes.warm[NEEDS].popen.wait()
        with pytest.raises(launch.ZygoteGoneError):
            Module(opened, "layers").f()
        assert Module(opened, "layers").f() == 7  # of another worker, out of another zygote
        opened.close()
        wait_for(lambda: not psutil.pid_exists(worker) or psutil.Process(worker).status() == psutil.STATUS_ZOMBIE)


def test_a_forked_worker_keeps_temporary_files_in_its_own_folder(tmp_path):
    """The zygote's temporary folder, which one of torch's imports asks for, is not writable in a child."""
    code = (
        "import sys, tempfile; from grader.sandbox.worker import zygote; tempfile.tempdir = '/'; "
        "zygote.worker.main = lambda: print(tempfile.gettempdir(), flush=True); "
        "zygote.become_worker({'scratch': sys.argv[1]}, [])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == (str(tmp_path), 0), done.stderr


def test_a_worker_that_is_slow_to_start_is_no_fault_of_the_students(monkeypatch):
    monkeypatch.setattr("grader.sandbox.process.START_WALL", 0.001)
    with session(lambda section: spawn) as opened:
        with pytest.raises(RuntimeError, match="the worker did not start"):
            Module(opened, "layers").f()
        monkeypatch.undo()
        assert Module(opened, "layers").f() == 7


def test_a_system_without_safe_forks_spawns(monkeypatch):
    monkeypatch.setattr(launch, "FORKS", False)
    with Zygotes(ahead=True) as zygotes:
        assert zygotes.spare is None
        assert zygotes.launch(SECTION) is spawn
        with session(zygotes.launch) as opened:
            assert Module(opened, "layers").f() == 7


@pytest.mark.slow
@linux
def test_two_hundred_sessions_leave_nothing(tmp_path, monkeypatch):
    """Processes, open files, temporary files, threads and shared memory are where they were."""
    own = psutil.Process()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def state() -> dict[str, object]:
        return {
            "processes": len(own.children(recursive=True)),
            "descriptors": own.num_fds(),
            "threads": own.num_threads(),
            "temporary": sorted(p.name for p in temporary.iterdir()),
            # but for the semaphores of a batch that another process of the tests runs meanwhile
            "shared": sorted(p.name for p in Path("/dev/shm").iterdir() if not p.name.startswith("sem.mp-")),
        }

    with Zygotes(ahead=True) as zygotes:
        for n in range(205):
            if n == 5:
                before = state()
            with session(zygotes.launch) as opened:
                assert Module(opened, "layers").f() == 7
                assert opened.folder.parent == temporary
        after = state()
    assert after["threads"] <= before["threads"] + 1  # the last listener may not have ended yet
    assert {**after, "threads": 0} == {**before, "threads": 0}


def test_a_worker_runs_this_interpreter():
    assert launch.command("zygote")[0] == sys.executable
