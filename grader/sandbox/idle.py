"""Whether a process waits instead of computing. Only Linux shows it; elsewhere the limits on the clock have to suffice.

A busy machine must not be mistaken for a sleeper. So two kinds of threads do not count: one that wants a processor and
gets none, which is runnable, and one that waits for a disk, which is in an uninterruptible sleep or in a call that
reads files. See proc_pid_stat(5) and proc_pid_syscall(5).
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 1.0  # seconds that a call may wait, but not for the grader
SHARE = 0.25  # of the seconds that a call computes, for which it may wait in addition
GAP = 0.25  # seconds that one look stands for at most: a grader that is held up sees nothing meanwhile
WAITS = "STt"  # asleep, stopped, traced
# Calls that read files: a file system of another process, or over a network, keeps them waiting.
FILES = {
    "x86_64": {0, 2, 4, 5, 6, 9, 17, 19, 21, 78, 79, 89, 217, 257, 262, 267, 295, 332},
    "aarch64": {48, 56, 61, 63, 65, 67, 69, 78, 79, 80, 222, 291},
}.get(platform.machine(), set())
READS = {"x86_64": {0, 17, 19, 295}, "aarch64": {63, 65, 67, 69}}.get(platform.machine(), set())
FAULT = "-1"  # no call: the page that it touched is being read


class Idle:
    """Adds up how long a process was seen to wait; `told` once that is longer than `patience`, and than a part of what
    it computed."""

    def __init__(self, pid: int, patience: float) -> None:
        self.pid = pid
        self.patience = patience
        self.seconds = 0.0
        self.last = time.monotonic()

    def look(self, *, ours: bool) -> float:
        """One look, at least a few a second: the seconds of waiting that it adds. With `ours` it is the grader that
        keeps the process waiting."""
        now = time.monotonic()
        more = min(now - self.last, GAP) if not ours and waits(self.pid) else 0.0
        self.last = now
        self.seconds += more
        return more

    def told(self, cpu: float) -> bool:
        """Whether it waits rather than computes, having used so many CPU seconds meanwhile."""
        return self.seconds > self.patience + SHARE * cpu


def waits(pid: int) -> bool:
    """Whether every thread of a process waits, and none of them for a file."""
    threads = list(states(pid))
    return bool(threads) and all(state in WAITS and not reads_files(pid, thread) for thread, state in threads)


def states(pid: int) -> Iterator[tuple[str, str]]:
    """Each thread's number and state; nothing where the system does not tell, or the process is gone."""
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - counted in microseconds
            with contextlib.suppress(OSError, IndexError):
                line = Path(f"/proc/{pid}/task/{thread}/stat").read_bytes()
                yield thread, chr(line[line.rindex(b")") + 2])


def delay(pid: int) -> float:
    """Seconds in which the threads of a process were runnable and got no processor; 0 where the system does not tell.
    Source: the kernel's Documentation/scheduler/sched-stats.rst."""
    total = 0
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - as above
            with contextlib.suppress(OSError, ValueError, IndexError):
                total += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_bytes().split()[1])
    return total / 1e9


def reads_files(pid: int, thread: str) -> bool:
    """Whether a thread that waits does so in a call that reads a file, or for a page of one."""
    try:
        call, *args = Path(f"/proc/{pid}/task/{thread}/syscall").read_text(encoding="ascii").split()
        if call == FAULT:
            return True
        if not call.isdecimal() or int(call) not in FILES:
            return False
        return int(call) not in READS or os.readlink(f"/proc/{pid}/fd/{int(args[0], 16)}").startswith("/")  # noqa: PTH115
    except (OSError, ValueError, IndexError):
        return False
