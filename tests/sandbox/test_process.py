"""Caps on what a student's process may use while it is asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.errors import Crashed
from grader.model import Limits, Section, Submission
from grader.sandbox.launch import spawn
from grader.sandbox.process import THREADS
from grader.sandbox.remote import Module
from grader.sandbox.session import ATTEMPTS, Session

pytestmark = pytest.mark.medium

ROOT = Path(__file__).parents[2]
SECTION = Section("numpy", {"layers": "neuralnet/layers.py"}, ("layers.py",), {}, ())
LIMITS = Limits(call_cpu=5, call_wall=20, check_wall=40, memory=4 << 30, output=1000)
SLEEPERS = """
import threading, time
def start(count):
    threading.stack_size(64 << 10)
    for _ in range(count):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(2)
    return count
"""


@pytest.fixture
def session_of():
    opened = []

    def open_session(code: str) -> Session:
        submission = Submission("s", {"layers.py": code.encode()}, {}, "")
        session = Session(SECTION, submission, {"neuralnet/layers.py": b""}, LIMITS, spawn)
        opened.append(session)
        session.begin(1)
        return session

    yield open_session
    for session in opened:
        session.close()


def test_a_process_may_start_so_many_threads_and_no_more(session_of):
    few, many = (Module(session_of(SLEEPERS), "layers") for _ in range(2))
    assert few.start(THREADS // 2) == THREADS // 2
    with pytest.raises(Crashed, match=f"more than {THREADS} threads"):
        many.start(THREADS + 20)


def test_a_flood_of_forbidden_acts_is_told_in_few_sentences(session_of):
    lines = [f"    try: __import__('os').fork()  # {at}\n    except OSError: pass" for at in range(ATTEMPTS + 4)]
    session = session_of("def f():\n" + "\n".join(lines) + "\n    return 1")
    assert Module(session, "layers").f() == 1
    told = session.attempts()
    assert len(set(told)) == len(told) == ATTEMPTS
    assert len(session.tried) > ATTEMPTS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement is Linux's")
def test_a_process_with_a_second_thread_does_not_claim_to_be_confined():
    """Landlock and seccomp hold the calling thread alone, so a second one would stay free."""
    code = (
        "import threading, time; from grader.sandbox.worker.confine import Policy, confine\n"
        "threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
        "held = confine(Policy()); print(held.line()); print(*held.problems)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.splitlines() == [
        "fs=none net=none procs=none signals=none memory=as",
        "2 threads ran before it was confined",
    ], done.stderr
