"""Talks to one worker process, watches its use of time, memory and disk, and stops it.

A student's code cannot hang or kill the grader here. Nothing waits for its channel without a limit. The process and its
children are compared with their limits every `TICK` seconds. Its end is handled like any other reply.
"""

from __future__ import annotations

import bz2
import contextlib
import math
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from grader.errors import Crashed, OutOfMemory, Skipped, StudentError, TimedOut, Undecided, UsageError
from grader.model import Limits
from grader.sandbox import channel
from grader.sandbox.idle import PATIENCE, Idle, delay
from grader.sandbox.launch import Launcher, ZygoteGoneError
from grader.sandbox.worker.wire import MAX_FRAME, FrameError, TooLargeError, frame

TICK = 0.02  # seconds between two checks of a running call; up to ten times as long for long calls
START_WALL = 60.0  # seconds for an interpreter to start on a busy machine; not counted as the student's time
NOTE = 200  # bytes above the cap, for the worker's note on what it dropped
FLOOD = 64 << 20  # bytes on the process's real stdout and stderr before it is stopped
DISK = 256 << 20  # bytes in its scratch folder before it is stopped; an rlimit holds a single file to less
READ = 256 << 10  # bytes of its files that are compressed, to see how much they tell
NO_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # to open a pipe waits for its other end
FILES = 2000  # files in its scratch folder before it is stopped
WRITTEN = 1 << 30  # bytes it may write in total; this also counts open files that were deleted
THREADS = 400  # of the process and its children
ANSWER, TIMES = 32 << 20, 8  # bytes of an answer, and how many times the bytes of its request are added
ALONE = 3  # links to the folder of a process's threads, where there is one thread
DUMP = "Stack (most recent call first):"  # faulthandler's heading


class Output:
    """The file with a process's real stdout and stderr. Each read continues where the last one ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = 0

    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def read(self, cap: int) -> str:
        size = self.size()
        if size == self.seen:
            return ""
        try:
            with self.path.open("rb") as file:
                file.seek(self.seen)
                data = file.read(cap + NOTE)
        except OSError:
            return ""
        dropped = max(0, size - self.seen - cap - NOTE)
        self.seen = size
        return data.decode("utf-8", "replace") + (f"\n... and {dropped} bytes more" if dropped else "")


class Process:
    """A worker, its limits, and the channel to it."""

    def __init__(self, folder: Path, limits: Limits, launch: Launcher) -> None:
        self.limits = limits
        self.count = 0
        self.held = ""
        self.sent = 0  # bytes so far
        self.waited = 0.0  # seconds in which it was asked something and did not compute, as far as was seen
        self.driven = False  # whether a driver's run began in it, which may have threads of its own
        self.charged = 0.0  # CPU seconds of threads beside its answers that were taken off the submission's
        self.granted = 0  # bytes that it may write beyond WRITTEN, for what it asks right parts
        self.killed = False  # by the system (out of memory); by the student's own code only where nothing confines it
        self.looked = -math.inf  # when its scratch folder was measured last
        self.scratch = folder / "scratch"
        path = folder / "output"
        with path.open("wb", buffering=0) as output:
            self.output = Output(path)
            self.child = launch(self.scratch, output)
        self.channel = channel.opened(self.child)
        self.tasks = Path(f"/proc/{self.child.pid}/task")

    def send(self, value: Any, most: int | None = MAX_FRAME) -> int:
        """Send a value, and return how many bytes its reply may have: `most`; if that is None, ANSWER and TIMES the
        bytes sent. Raises FrameError if the value cannot be encoded."""
        data = frame(value)
        most = ANSWER + TIMES * len(data) if most is None else most
        self.sent += len(data)
        self.channel.send(data, most)
        return most

    @property
    def carried(self) -> int:
        """Bytes that went to and fro so far."""
        return self.sent + self.channel.taken

    def exchange(
        self,
        request: dict[str, Any],
        wall: float,
        cpu: float,
        subject: str,
        answer: Callable[[Mapping[str, Any]], dict[str, Any]],
        patience: float = PATIENCE,
        most: int | None = MAX_FRAME,
    ) -> Any:
        """Send one request and return its reply. The worker may take `wall` seconds on the clock and `cpu` seconds of
        CPU, and may wait for `patience` seconds without computing. It may ask questions before it replies; `answer`
        gives the answers. A frame of the worker may have `most` bytes; see `send`.

        Raises TimedOut, OutOfMemory or Crashed. Do not use the process after that.
        """
        self.greeting()
        self.count += 1
        most = self.send(request | {"id": self.count}, most)
        began = time.monotonic()
        reply = self.wait(wall, cpu, subject, patience=patience)
        if is_question(reply, self.count):
            end, before = began + wall, self.quick_clock()
            while is_question(reply, self.count):
                if time.monotonic() > end:
                    raise TimedOut(f"{subject} took longer than {wall:.3g} s and was stopped")
                if self.quick_clock() - before > cpu:
                    raise TimedOut(
                        f"{subject} used {cpu:g} s of processor time and was stopped: does a loop never end?"
                    )
                self.send(answer(reply), most)
                left = cpu - (self.quick_clock() - before)
                reply = self.wait(end - time.monotonic(), left, subject, patience=patience)
        self.check_disk(subject)
        if isinstance(reply, Exception):
            raise self.post_mortem(reply, subject)
        if not isinstance(reply, dict) or type(reply.get("id")) is not int or reply["id"] != self.count:
            raise Crashed(f"{subject} broke the grader's channel: a reply to no question")
        return reply

    def greeting(self) -> str:
        """The worker's line on its confinement, sent before it imports the student's code.

        Raises UsageError if a driver of the homework cannot be loaded, RuntimeError if the worker does not start.
        Neither is the student's mistake.
        """
        if self.held:
            return self.held
        try:
            hello = self.wait(START_WALL, START_WALL, "starting")
        except StudentError as error:
            raise RuntimeError(f"the worker did not start: {error.message}") from error
        if isinstance(hello, dict) and isinstance(hello.get("fault"), str):
            raise UsageError(hello["fault"])
        if not isinstance(hello, dict) or not isinstance(hello.get("held"), str):
            raise RuntimeError(f"the worker did not start: {hello!r} {self.output.read(4096)}")
        self.held = str(hello["held"])
        return self.held

    def wait(self, wall: float, cpu: float, subject: str, *, patience: float = math.inf) -> Any:
        """The next reply. Raises TimedOut if it does not come in time, or if the process waits for longer than
        `patience` without computing; OutOfMemory or Crashed if it uses too much of anything else."""
        began = time.monotonic()
        try:
            return self.channel.receive(min(TICK, max(wall, 0.001)))
        except TimeoutError:
            watch, idle = Watch(self.child.pid), Idle(self.child.pid, patience)
        while True:
            tick = min(TICK + (time.monotonic() - began) / 5, 10 * TICK)  # each check takes a millisecond or two
            try:
                return self.channel.receive(tick)
            except TimeoutError:
                pass
            watch.look()
            if watch.cpu > cpu:
                raise TimedOut(f"{subject} used {cpu:g} s of processor time and was stopped: does a loop never end?")
            if time.monotonic() - began > wall:
                raise TimedOut(f"{subject} took longer than {max(wall, 0):.3g} s and was stopped")
            self.waited += idle.look(ours=self.waits_for_us())
            if idle.told(watch.cpu):
                raise TimedOut(
                    f"{subject} took longer than {idle.seconds:.2g} s without computing and was stopped: does it sleep?"
                )
            if watch.memory > self.limits.memory:
                raise OutOfMemory(f"{subject} used more than {self.limits.memory >> 20} MiB of memory and was stopped")
            if self.limits.resident is not None and watch.memory > self.limits.resident:
                raise Undecided(self.too_small(subject))
            if watch.threads > THREADS:
                raise Crashed(f"{subject} started more than {THREADS} threads and was stopped")
            if watch.written > WRITTEN + self.granted:
                raise Crashed(f"{subject} wrote more than {WRITTEN >> 20} MiB in all and was stopped")
            if self.output.size() > FLOOD:
                raise Crashed(f"{subject} wrote more than {FLOOD >> 20} MiB of output and was stopped")
            if watch.unlinked > DISK:
                raise Crashed(f"{subject} holds more than {DISK >> 20} MiB in files that it deleted and was stopped")
            self.check_disk(subject)

    def waits_for_us(self) -> bool:
        """Whether it is the grader's turn: to send the rest of a request, or to take what lies in the channel."""
        return not self.channel.due or waiting(self.child.stdout) > 0

    def check_disk(self, subject: str) -> None:
        """Raise Crashed if the scratch folder holds too much. This is found a few ticks late, and not prevented."""
        if time.monotonic() - self.looked < TICK:
            return
        files, size = usage(self.scratch)
        self.looked = time.monotonic()
        if size > DISK or files > FILES:
            raise Crashed(f"{subject} wrote more than {DISK >> 20} MiB or {FILES} files to disk and was stopped")

    def too_small(self, subject: str) -> str:
        """What a person is asked where a container has less memory than the rubric allows."""
        assert self.limits.resident is not None
        return (
            f"{subject} needs more than the {self.limits.resident >> 20} MiB that a process gets in this container, "
            f"and the homework allows {self.limits.memory >> 20} MiB: grade it where there is more memory"
        )

    def post_mortem(self, error: Exception, subject: str) -> StudentError | Undecided:
        """The error that says why a process stopped talking."""
        if isinstance(error, TooLargeError):
            return Crashed(f"{subject} returned far more than was asked for: {error}")
        if isinstance(error, FrameError):
            return Crashed(f"{subject} broke the grader's channel: {error}")
        code = self.child.end(1.0)
        if code is None:
            return Crashed(f"{subject} closed the grader's channel")
        if code < 0:
            name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
            self.killed = name == "SIGKILL"
            if self.killed and self.limits.resident is not None:  # between two looks, by the container
                return Undecided(self.too_small(subject))
            if self.killed and "signals=seccomp" in self.held:  # it cannot have done that to itself
                return Undecided(f"{subject} was killed (SIGKILL), as a system short of memory does; grade it again")
            if self.killed:
                return Crashed(f"{subject} was killed (SIGKILL), by its own code or by a system short of memory")
            return Crashed(f"{subject} ended its process with {name}")
        return Crashed(f"{subject} ended its process with exit code {code}, before it returned")

    def used(self) -> float:
        """CPU seconds of the process and its children, as the system counts them; 0 when it is gone."""
        watch = Watch(self.child.pid)
        watch.look()
        return watch.start or 0.0

    def delayed(self) -> float:
        """Seconds in which its threads wanted a processor and got none; 0 where the system does not tell."""
        return delay(self.child.pid)

    def clock(self) -> float:
        """CPU seconds of the process so far, to the nanosecond. Raises Skipped where the system cannot measure it."""
        try:
            return time.clock_gettime((~self.child.pid << 3) | 2)  # the clock that clock_getcpuclockid(3) returns
        except (AttributeError, OSError):
            raise Skipped("the CPU time of one call cannot be measured on this system") from None

    def quick_clock(self) -> float:
        """As `clock`; where that is not available, as `used`, which takes a hundred times as long."""
        try:
            return self.clock()
        except Skipped:
            return self.used()

    def beside(self) -> float:
        """CPU seconds so far of other threads than the one that answers, while there are any; 0 where the system does
        not tell."""
        try:
            if self.tasks.stat().st_nlink <= ALONE:
                return 0.0
            told = (self.tasks / str(self.child.pid) / "stat").read_bytes().rpartition(b")")[2].split()
            return max(0.0, self.clock() - (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK"))
        except (OSError, Skipped):
            return 0.0

    def forget_peak(self) -> int:
        """Reset the peak of memory and return the bytes in use. Raises Skipped where the system cannot do this."""
        try:
            Path(f"/proc/{self.child.pid}/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            raise Skipped("the memory of one call cannot be measured on this system") from None
        return self.peak()

    def peak(self) -> int:
        """Peak memory of the process so far in bytes, as Linux and Windows count it; elsewhere its memory now; 0 when
        it is gone."""
        try:
            if told := re.search(rb"(?m)^VmHWM:\s+(\d+) kB", Path(f"/proc/{self.child.pid}/status").read_bytes()):
                return int(told[1]) << 10
        except OSError:
            pass  # not Linux, or the process is gone
        import psutil

        try:
            memory = psutil.Process(self.child.pid).memory_info()
        except psutil.Error:
            return 0
        return int(getattr(memory, "peak_wset", memory.rss))

    def stack(self) -> list[tuple[str, str, str]]:
        """(file, line, function) of each call that was going on, innermost first, asked of the interpreter itself;
        nothing if it cannot tell."""
        if hasattr(signal, "SIGUSR1") and self.held and self.child.running():
            size = self.output.size()
            os.kill(self.child.pid, signal.SIGUSR1)
            waited = time.monotonic() + 0.2
            while self.output.size() == size and time.monotonic() < waited:
                time.sleep(0.005)
        try:
            tail = self.output.path.read_bytes()[-(16 << 10) :].decode("utf-8", "replace")
        except OSError:
            return []
        start = tail.rfind(DUMP)
        return re.findall(r'File "([^"\n]+)", line (\d+) in (.+)', tail[start:]) if start >= 0 else []

    def kill(self) -> None:
        """End the process and everything it started."""
        with contextlib.suppress(ZygoteGoneError):  # it has died with its zygote
            self.child.end(0.0)
        self.channel.close()


def is_question(reply: Any, count: int) -> bool:
    """Whether a frame is a question by the worker during request number `count`."""
    return type(reply) is dict and "callback" in reply and type(reply.get("id")) is int and reply["id"] == count


def waiting(stream: IO[bytes]) -> int:
    """Bytes in a pipe that nobody has read yet; 0 where the system does not tell (Windows)."""
    try:
        import fcntl
        import termios

        return int.from_bytes(fcntl.ioctl(stream, termios.FIONREAD, bytes(4)), sys.byteorder)
    except (ImportError, OSError, ValueError):
        return 0


def usage(folder: Path) -> tuple[int, int]:
    """The number of files below a folder, and their bytes. Counting stops a little above FILES."""
    files = size = 0
    waiting = [str(folder)]
    while waiting and files <= FILES:
        try:
            with os.scandir(waiting.pop()) as listing:
                for entry in listing:
                    files += 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue  # deleted meanwhile, or too deep; its entry is counted
    return files, size


def compressed(folder: Path) -> int:
    """How many bytes the regular files below a folder have, each compressed: a measure of what they tell. At most READ
    bytes of them are read. No link is followed, and no pipe waited for."""
    size, left = 0, READ
    for parent, _, names in os.walk(folder):
        for name in names[:FILES]:
            with contextlib.suppress(OSError):
                descriptor = os.open(Path(parent, name), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | NO_WAITING)
                with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                    data = file.read(left) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
                size, left = size + (len(bz2.compress(data, 1)) if data else 0), left - len(data)
    return size


def unlinked(pid: int) -> int:
    """Bytes of deleted files that a process still holds open; 0 on systems other than Linux."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as listing:
        for entry in listing:
            with contextlib.suppress(OSError):  # closed meanwhile
                found = entry.stat()
                size += found.st_blocks * 512 if stat.S_ISREG(found.st_mode) and not found.st_nlink else 0
    return size


class Watch:
    """A process and its children: CPU seconds since the first look, resident bytes, threads, and bytes written so far.

    `unlinked` counts the bytes of open files that were deleted. If the scratch folder is in memory, nothing else counts
    that memory.
    """

    def __init__(self, pid: int) -> None:
        import psutil

        self.gone = psutil.Error
        self.cpu = 0.0
        self.memory = self.threads = self.written = self.unlinked = 0
        self.start: float | None = None
        try:
            self.root: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self.root = None

    def look(self) -> None:
        if self.root is None:
            return
        cpu, memory, threads, written = 0.0, 0, 0, 0
        try:
            for process in [self.root, *self.root.children(recursive=True)]:
                times = process.cpu_times()
                cpu += times.user + times.system
                memory += process.memory_info().rss
                threads += process.num_threads()
                written += self.writes(process)
        except self.gone:
            return  # it ended between two looks; the channel tells how
        if self.start is None:
            self.start = cpu
        self.cpu, self.memory, self.threads, self.written = cpu - self.start, memory, threads, written
        self.unlinked = unlinked(self.root.pid)

    def writes(self, process: Any) -> int:
        """Bytes that a process has written; 0 where the system does not count or show them (macOS)."""
        try:
            counted = process.io_counters() if hasattr(process, "io_counters") else None
        except self.gone:
            return 0
        return max(counted.write_bytes, getattr(counted, "write_chars", 0)) if counted else 0
