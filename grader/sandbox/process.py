"""One worker process: listened to, watched and stopped.

Nothing that a student's code does can hang or kill the grader here: a thread of ours does the reading, a look every
`TICK` holds the process and all below it to their limits, and the end of the process is an answer like any other.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import stat
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grader.errors import Crashed, OutOfMemory, Skipped, StudentError, TimedOut, UsageError
from grader.model import Limits, Section
from grader.sandbox.launch import Launcher, ZygoteGoneError
from grader.sandbox.worker.wire import MAX_FRAME, FrameError, TooLargeError, frame, read_frame

TICK = 0.02  # seconds between two looks at a running call; ten times as many after a while
START_WALL = 60.0  # seconds for an interpreter to start on a busy machine; ours to wait for, not the student's
NOTE = 200  # bytes above the cap for the worker's own note on what it dropped
FLOOD = 64 << 20  # bytes on the process's real stdout and stderr before it is stopped
DISK = 256 << 20  # bytes in its scratch folder before it is stopped; a single file is held to less by an rlimit
FILES = 2000  # and files there
WRITTEN = 1 << 30  # bytes it may write in all: files that are deleted but open are in no folder
THREADS = 400  # of it and all below it
DUMP = "Stack (most recent call first):"  # faulthandler's heading


class Output:
    """The file that holds a process's real stdout and stderr; read from where the last look ended."""

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
    """A worker and the thread that talks to it, so that no read or write of ours can hang.

    The thread reads one reply for each request and no more: what a hostile worker sends unasked fills its own pipe and
    never our memory.
    """

    def __init__(self, folder: Path, limits: Limits, launch: Launcher) -> None:
        self.limits = limits
        self.count = 0
        self.held = ""
        self.killed = False  # by nobody here: by the system, as when it is out of memory, or by the student's own code
        self.scratch = folder / "scratch"
        path = folder / "output"
        with path.open("wb", buffering=0) as output:
            self.output = Output(path)
            self.child = launch(self.scratch, output)
        self.requests: queue.SimpleQueue[tuple[bytes, int] | None] = queue.SimpleQueue()
        self.replies: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.talker = threading.Thread(target=self.talk, daemon=True)
        self.talker.start()

    def talk(self) -> None:
        """Carry frames until there is no more to send or the worker is gone; ends with the channel closed."""
        try:
            while (request := self.requests.get()) is not None:
                data, most = request
                self.child.stdin.write(data)
                self.child.stdin.flush()
                self.replies.put(read_frame(self.child.stdout, most))
        except (EOFError, FrameError, OSError, MemoryError) as error:
            self.replies.put(error)
        finally:
            for stream in (self.child.stdin, self.child.stdout):
                with contextlib.suppress(OSError):  # unsent bytes to a process that is gone
                    stream.close()

    def send(self, value: Any, most: int = MAX_FRAME) -> None:
        """Send what one reply, of at most `most` bytes, is due for. Raises FrameError for a value of ours that cannot
        travel."""
        self.requests.put((frame(value), most))

    def exchange(
        self,
        request: dict[str, Any],
        wall: float,
        cpu: float,
        subject: str,
        answer: Callable[[Mapping[str, Any]], dict[str, Any]],
        most: int = MAX_FRAME,
    ) -> Any:
        """One request and its reply, in so many seconds on the clock and of CPU; `answer` is what a question that comes
        back before the reply is answered with. Neither has more than `most` bytes.

        Raises TimedOut, OutOfMemory or Crashed; this process is of no use after that.
        """
        self.greeting()
        self.count += 1
        self.send(request | {"id": self.count}, most)
        began = time.monotonic()
        reply = self.wait(wall, cpu, subject)
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
                reply = self.wait(end - time.monotonic(), cpu - (self.quick_clock() - before), subject)
        self.check_disk(subject)
        if isinstance(reply, Exception):
            raise self.post_mortem(reply, subject)
        if not isinstance(reply, dict) or type(reply.get("id")) is not int or reply["id"] != self.count:
            raise Crashed(f"{subject} broke the grader's channel: a reply to no question")
        return reply

    def greeting(self) -> str:
        """What the worker says holds it, before it has imported anything of the student's.

        Raises UsageError for a homework's driver that cannot be loaded, RuntimeError for a worker that does not start:
        that is nothing of the student's, whatever kept it.
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

    def wait(self, wall: float, cpu: float, subject: str) -> Any:
        began = time.monotonic()
        try:
            return self.replies.get(timeout=min(TICK, max(wall, 0.001)))
        except queue.Empty:
            watch = Watch(self.child.pid)
        while True:
            tick = min(TICK + (time.monotonic() - began) / 5, 10 * TICK)  # each look costs a millisecond or two
            try:
                return self.replies.get(timeout=tick)
            except queue.Empty:
                pass
            watch.look()
            if watch.cpu > cpu:
                raise TimedOut(f"{subject} used {cpu:g} s of processor time and was stopped: does a loop never end?")
            if time.monotonic() - began > wall:
                raise TimedOut(f"{subject} took longer than {max(wall, 0):.3g} s and was stopped")
            if watch.memory > self.limits.memory:
                raise OutOfMemory(f"{subject} used more than {self.limits.memory >> 20} MiB of memory and was stopped")
            if watch.threads > THREADS:
                raise Crashed(f"{subject} started more than {THREADS} threads and was stopped")
            if watch.written > WRITTEN:
                raise Crashed(f"{subject} wrote more than {WRITTEN >> 20} MiB in all and was stopped")
            if self.output.size() > FLOOD:
                raise Crashed(f"{subject} wrote more than {FLOOD >> 20} MiB of output and was stopped")
            if watch.unlinked > DISK:
                raise Crashed(f"{subject} holds more than {DISK >> 20} MiB in files that it deleted and was stopped")
            self.check_disk(subject)

    def check_disk(self, subject: str) -> None:
        """Raises Crashed when its scratch folder holds too much: detection, a few ticks late, not prevention."""
        files, size = usage(self.scratch)
        if size > DISK or files > FILES:
            raise Crashed(f"{subject} wrote more than {DISK >> 20} MiB or {FILES} files to disk and was stopped")

    def post_mortem(self, error: Exception, subject: str) -> StudentError:
        """What a process that stopped talking died of."""
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
            if self.killed:
                return Crashed(f"{subject} was ended with SIGKILL, by its own code or by a system short of memory")
            return Crashed(f"{subject} ended its process with {name}")
        return Crashed(f"{subject} ended its process with exit code {code}, before it returned")

    def used(self) -> float:
        """CPU seconds of the process and all below it, as the system counts them; 0 when it is gone."""
        watch = Watch(self.child.pid)
        watch.look()
        return watch.start or 0.0

    def clock(self) -> float:
        """CPU seconds of the process so far, to the nanosecond. Raises Skipped where the system does not tell."""
        try:
            return time.clock_gettime((~self.child.pid << 3) | 2)  # what clock_getcpuclockid(3) makes of a process
        except (AttributeError, OSError):
            raise Skipped("the CPU time of one call cannot be measured on this system") from None

    def quick_clock(self) -> float:
        """As `clock`, and elsewhere as `used`, which takes a hundred times as long."""
        try:
            return self.clock()
        except Skipped:
            return self.used()

    def forget_peak(self) -> int:
        """Count the most memory from now on; gives the bytes in use. Raises Skipped where the system cannot."""
        try:
            Path(f"/proc/{self.child.pid}/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            raise Skipped("the memory of one call cannot be measured on this system") from None
        return self.peak()

    def peak(self) -> int:
        """Bytes that the process had in memory at most, so far: Linux and Windows keep count. Elsewhere what it has
        now; 0 when it is gone."""
        try:
            if told := re.search(rb"(?m)^VmHWM:\s+(\d+) kB", Path(f"/proc/{self.child.pid}/status").read_bytes()):
                return int(told[1]) << 10
        except OSError:
            pass  # no such system, or no such process any more
        import psutil

        try:
            memory = psutil.Process(self.child.pid).memory_info()
        except psutil.Error:
            return 0
        return int(getattr(memory, "peak_wset", memory.rss))

    def last_frame(self, section: Section) -> str:
        """Where the student's code stood when it was stopped, asked of the interpreter itself; "" if it cannot tell."""
        names = {Path(path).name for path in section.modules.values()}
        if hasattr(signal, "SIGUSR1") and self.held and self.child.running():
            size = self.output.size()
            os.kill(self.child.pid, signal.SIGUSR1)
            waited = time.monotonic() + 0.2
            while self.output.size() == size and time.monotonic() < waited:
                time.sleep(0.005)
        try:
            tail = self.output.path.read_bytes()[-(16 << 10) :].decode("utf-8", "replace")
        except OSError:
            return ""
        start = tail.rfind(DUMP)
        if start < 0:
            return ""
        frames = re.findall(r'File "[^"\n]*[/\\]([\w.]+)", line (\d+) in', tail[start:])
        return next((f"{name}:{line}" for name, line in frames if name in names), "")

    def kill(self) -> None:
        """End the process and everything it started."""
        with contextlib.suppress(ZygoteGoneError):  # it has died with its zygote
            self.child.end(0.0)
        self.requests.put(None)
        self.talker.join(1.0)


def is_question(reply: Any, count: int) -> bool:
    """Whether a frame asks something back, in the course of request number `count`."""
    return type(reply) is dict and "callback" in reply and type(reply.get("id")) is int and reply["id"] == count


def usage(folder: Path) -> tuple[int, int]:
    """Files below a folder and the bytes they take on disk; counting ends a little above FILES."""
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
            continue  # deleted meanwhile, or too deep a path: its entry was counted
    return files, size


def unlinked(pid: int) -> int:
    """Bytes of the deleted files that a process holds open; 0 where the system does not tell (not Linux)."""
    size = 0
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as listing:
        for entry in listing:
            with contextlib.suppress(OSError):  # closed meanwhile
                found = entry.stat()
                size += found.st_blocks * 512 if stat.S_ISREG(found.st_mode) and not found.st_nlink else 0
    return size


class Watch:
    """A process and all below it: CPU seconds since this began, resident bytes, threads, and bytes written so far.

    `unlinked` are bytes of files that are open and in no folder any more: in a scratch folder in memory they are memory
    that nothing else counts.
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
            return  # it ended between two looks; what it said last tells
        if self.start is None:
            self.start = cpu
        self.cpu, self.memory, self.threads, self.written = cpu - self.start, memory, threads, written
        self.unlinked = unlinked(self.root.pid)

    def writes(self, process: Any) -> int:
        """Bytes that a process has written; 0 where the system does not count them (macOS) or does not tell."""
        try:
            counted = process.io_counters() if hasattr(process, "io_counters") else None
        except self.gone:
            return 0
        return max(counted.write_bytes, getattr(counted, "write_chars", 0)) if counted else 0
