"""What a process that waits is told from: one that a busy machine keeps from computing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.sandbox.idle import delay, waits

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this system does not tell who was kept back"),
]
SPINS = "while True: pass"


def test_a_process_that_gets_no_processor_is_delayed_and_one_that_sleeps_is_not():
    core = {min(os.sched_getaffinity(0))}
    started = [
        subprocess.Popen([sys.executable, "-c", code], preexec_fn=lambda: os.sched_setaffinity(0, core))
        for code in (SPINS, SPINS, "import time; time.sleep(60)")
    ]
    try:
        time.sleep(1.5)
        before = [delay(one.pid) for one in started]
        time.sleep(1.5)
        first, second, sleeper = (delay(one.pid) - was for one, was in zip(started, before, strict=True))
        assert first + second > 0.5  # one of the two at a time
        assert sleeper < 0.1
        assert waits(started[2].pid)
        assert not waits(started[0].pid)
    finally:
        for one in started:
            one.kill()
            one.wait()
    assert delay(started[0].pid) == 0.0
