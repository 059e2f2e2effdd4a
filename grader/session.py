"""The student's modules, callable from here.

A Session owns one student's process and starts another when that one is gone. Calls raise StudentError with the verdict
that fits how they ended; what they return is exact data (see worker/wire.py) and Remote objects.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from grader.errors import Crashed, Denied, NotImplementedYet, OutOfMemory, Raised, StudentError, TimedOut
from grader.model import Limits, Section, Submission
from grader.worker.wire import FrameError, Handle, read_frame, write_frame

TICK = 0.02  # seconds between two looks at a running call
START_WALL = 60.0  # seconds for an interpreter to start on a busy machine; ours to wait for, not the student's
FLOOD = 64 << 20  # bytes on the process's real stdout and stderr before it is stopped
DUMP = "Stack (most recent call first):"  # faulthandler's heading
ROOT = Path(__file__).resolve().parent.parent

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from grader.worker.__main__ import main; del sys.path[0];main()"
)


def spawn(folder: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a worker with a clean environment, its channel on stdin and stdout, its prints in `output`."""
    scratch = folder / "scratch"
    environment = {
        "PATH": os.defpath,
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "MPLCONFIGDIR": str(scratch),
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
    for threads in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        environment[f"{threads}_NUM_THREADS"] = "1"
    environment["VECLIB_MAXIMUM_THREADS"] = "1"
    if os.name == "nt":
        environment |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        environment |= {"TEMP": str(scratch), "TMP": str(scratch), "USERPROFILE": str(scratch)}
    return subprocess.Popen(
        [sys.executable, "-s", "-P", "-X", "utf8", "-c", _BOOT, str(ROOT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=output,
        cwd=scratch,
        env=environment,
        start_new_session=True,
    )


Launcher = Callable[[Path, IO[bytes]], "subprocess.Popen[bytes]"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One call's end: its value, and the positions of array arguments that it changed in place."""

    value: Any
    mutated: tuple[int, ...]


class Session:
    """One student's modules of one section. Use as a context manager; nothing of it is left afterwards."""

    def __init__(
        self, section: Section, submission: Submission, handout: Path, limits: Limits, launch: Launcher = spawn
    ) -> None:
        self.section = section
        self.submission = submission
        self.limits = limits
        self.launch = launch
        self.deadline = float("inf")
        self.seed: int | None = None
        self.mutated: tuple[int, ...] = ()
        self.tried: list[str] = []
        self.last_words = ""
        self.folder = Path(os.path.realpath(tempfile.mkdtemp(prefix="backgrade-")))
        self.process: Process | None = None
        lay_out(section, submission, handout, self.folder)
        self.start()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        code = self.folder / "code"
        self.process = Process(self.folder, self.limits, self.launch)
        self.process.send(
            {
                "folder": str(code),
                "path": [str(code / name) for name in sorted({Path(p).parent.as_posix() for p in self.paths})],
                "modules": {name: Path(path).stem for name, path in self.section.modules.items()},
                "keep": dict(self.section.keep),
                "forbid": self.section.forbid,
                "memory": self.limits.memory,
                "output": self.limits.output,
            }
        )

    @property
    def paths(self) -> Collection[str]:
        return self.section.modules.values()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process = None

    def begin(self, seed: int) -> None:
        """A new check: its own time, fresh seeds, and no object of the check before."""
        self.seed = seed
        self.deadline = time.monotonic() + self.limits.check_wall
        self.mutated = ()
        self.tried = []
        self.last_words = ""

    def output(self) -> str:
        """What the student's code printed since the last look, capped."""
        words, self.last_words = self.last_words, ""
        return words + (self.process.output.read(self.limits.output) if self.process is not None else "")

    def attempts(self) -> list[str]:
        """A sentence for each forbidden import that the student's own code tried during this check."""
        found = (name.partition(" ") for name in self.tried)
        return [
            f"{where} tries to import {package}, which this section forbids" for package, _, where in found if where
        ]

    def missing(self, module: str) -> bool:
        name = Path(self.section.modules[module]).name
        return name in self.section.submit and name not in self.submission.files

    def ask(self, op: str, owner: str | Handle, path: Sequence[str], batches: Sequence[Sequence[Any]]) -> list[Any]:
        """Carry out one call per element of `batches` in one round trip. Raises StudentError for the first that failed."""
        if isinstance(owner, str) and self.missing(owner):
            raise NotImplementedYet(f"{Path(self.section.modules[owner]).name} is not in this submission")
        if self.process is None:
            self.start()
        assert self.process is not None
        calls = [
            {"op": op, "owner": owner, "path": list(path), "args": tuple(travelling(arg) for arg in args)}
            for args in batches
        ]
        wall = min(self.limits.call_wall, self.deadline - time.monotonic())
        subject = ".".join(path) if not isinstance(owner, str) or path else owner
        try:
            reply = self.process.exchange({"seed": self.seed, "calls": calls}, wall, subject)
            results = self.read_reply(reply, len(calls), subject)
        except (TimedOut, OutOfMemory, Crashed) as error:
            error.where = error.where or self.process.last_frame(self.section)
            self.process.kill()
            self.last_words = (
                self.process.output.read(self.limits.output)
                .partition(DUMP)[0]
                .removesuffix("Fatal Python error: Segmentation fault\n\n")
            )
            self.process = None
            raise
        self.seed = None
        return results

    def read_reply(self, reply: Any, asked: int, subject: str) -> list[Any]:
        """The values of a well-formed reply; raises the StudentError that a result tells of, Crashed for all else."""
        try:
            results = [
                (result.get("value"), result.get("error"), result.get("mutated", ())) for result in reply["results"]
            ]
            self.tried += [str(name) for name in reply["tried"]][:20]
            mutated = [tuple(int(at) for at in positions) for _, _, positions in results]
        except (TypeError, KeyError, AttributeError, ValueError):
            raise Crashed(f"{subject} broke the grader's channel: its reply is not one") from None
        for _, error, _ in results:
            if error is not None:
                raise student_error(error, subject, self.tried)
        if len(results) != asked:
            raise Crashed(f"{subject} broke the grader's channel: {len(results)} of {asked} answers came back")
        self.mutated = mutated[-1] if mutated else ()
        return [arriving(value, self) for value, _, _ in results]


def lay_out(section: Section, submission: Submission, handout: Path, folder: Path) -> None:
    """The pristine handout's Python files with the student's own over them. No data and no fixture is laid there."""
    (folder / "scratch").mkdir()
    for parent in {Path(path).parent for path in section.modules.values()}:
        target = folder / "code" / parent
        target.mkdir(parents=True)
        for source in sorted((handout / parent).glob("*.py")):
            shutil.copyfile(source, target / source.name)
    for path in section.modules.values():
        name = Path(path).name
        if name in section.submit and name in submission.files:
            (folder / "code" / path).write_bytes(submission.files[name])


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
                data = file.read(cap)
        except OSError:
            return ""
        dropped = max(0, size - self.seen - cap)
        self.seen = size
        return data.decode("utf-8", "replace") + (f"\n... and {dropped} bytes more" if dropped else "")


class Process:
    """A worker and the thread that listens to it, so that no read of ours can hang."""

    def __init__(self, folder: Path, limits: Limits, launch: Launcher) -> None:
        self.limits = limits
        self.count = 0
        self.ready = False
        path = folder / "output"
        with path.open("wb", buffering=0) as output:
            self.output = Output(path)
            self.popen = launch(folder, output)
        assert self.popen.stdin is not None
        assert self.popen.stdout is not None
        self.stdin, self.stdout = self.popen.stdin, self.popen.stdout
        self.replies: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        try:
            while True:
                self.replies.put(read_frame(self.stdout))
        except (EOFError, FrameError, OSError, ValueError) as error:
            self.replies.put(error)

    def send(self, value: Any) -> None:
        try:
            write_frame(self.stdin, value)
        except (BrokenPipeError, OSError, ValueError):
            return  # its end is told by the listener, with more to say

    def exchange(self, request: dict[str, Any], wall: float, subject: str) -> Any:
        """One request and its reply. Raises TimedOut, OutOfMemory or Crashed; this process is of no use after that."""
        if not self.ready:
            hello = self.wait(START_WALL, START_WALL, "starting")
            if not isinstance(hello, dict) or "ready" not in hello:
                raise RuntimeError(f"the worker did not start: {hello!r} {self.output.read(4096)}")
            self.ready = True
        self.count += 1
        self.send(request | {"id": self.count})
        reply = self.wait(wall, self.limits.call_cpu, subject)
        if isinstance(reply, Exception):
            raise self.post_mortem(reply, subject)
        if not isinstance(reply, dict) or reply.get("id") != self.count:
            raise Crashed(f"{subject} broke the grader's channel: a reply to no question")
        return reply

    def wait(self, wall: float, cpu: float, subject: str) -> Any:
        began = time.monotonic()
        try:
            return self.replies.get(timeout=min(TICK, max(wall, 0.001)))
        except queue.Empty:
            watch = Watch(self.popen.pid)
        while True:
            try:
                return self.replies.get(timeout=TICK)
            except queue.Empty:
                pass
            watch.look()
            if watch.cpu > cpu:
                raise TimedOut(f"{subject} used {cpu:g} s of processor time and was stopped: does a loop never end?")
            if time.monotonic() - began > wall:
                raise TimedOut(f"{subject} took longer than {max(wall, 0):.3g} s and was stopped")
            if watch.memory > self.limits.memory:
                raise OutOfMemory(f"{subject} used more than {self.limits.memory >> 20} MiB of memory and was stopped")
            if self.output.size() > FLOOD:
                raise Crashed(f"{subject} wrote more than {FLOOD >> 20} MiB of output and was stopped")

    def post_mortem(self, error: Exception, subject: str) -> StudentError:
        """What a process that stopped talking died of."""
        if isinstance(error, FrameError):
            return Crashed(f"{subject} broke the grader's channel: {error}")
        try:
            code = self.popen.wait(1.0)
        except subprocess.TimeoutExpired:
            return Crashed(f"{subject} closed the grader's channel")
        if code < 0:
            name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
            return Crashed(f"{subject} ended its process with {name}")
        return Crashed(f"{subject} ended its process with exit code {code}, before it returned")

    def last_frame(self, section: Section) -> str:
        """Where the student's code stood when it was stopped, asked of the interpreter itself; "" if it cannot tell."""
        names = {Path(path).name for path in section.modules.values()}
        if hasattr(signal, "SIGUSR1") and self.popen.poll() is None and self.ready:
            size = self.output.size()
            self.popen.send_signal(signal.SIGUSR1)
            waited = time.monotonic() + 0.2
            while self.output.size() == size and self.popen.poll() is None and time.monotonic() < waited:
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
        for kill in (self.kill_tree, self.popen.kill):
            kill()
        self.popen.wait()
        for stream in (self.stdin, self.stdout):
            try:
                stream.close()
            except OSError:
                continue  # unsent bytes to a process that is gone

    def kill_tree(self) -> None:
        if hasattr(os, "killpg"):
            try:
                os.killpg(self.popen.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return


class Watch:
    """CPU seconds since it began and resident bytes of a process and all below it."""

    def __init__(self, pid: int) -> None:
        import psutil

        self.gone = psutil.Error
        self.cpu = 0.0
        self.memory = 0
        self.start: float | None = None
        try:
            self.root: psutil.Process | None = psutil.Process(pid)
        except psutil.Error:
            self.root = None

    def look(self) -> None:
        if self.root is None:
            return
        cpu, memory = 0.0, 0
        try:
            for process in [self.root, *self.root.children(recursive=True)]:
                times = process.cpu_times()
                cpu += times.user + times.system
                memory += process.memory_info().rss
        except self.gone:
            return  # it ended between two looks; the listener tells
        if self.start is None:
            self.start = cpu
        self.cpu, self.memory = cpu - self.start, memory


def student_error(error: Any, subject: str, tried: Sequence[str]) -> StudentError:
    """The StudentError for a worker's description of an exception. All of it is the student's word, and earns nothing."""
    if not isinstance(error, Mapping):
        return Crashed(f"{subject} broke the grader's channel: its reply is not one")
    kind, type_, text, where = (str(error.get(key, ""))[:600] for key in ("kind", "type", "text", "where"))
    importing = str(error.get("importing", ""))[:80]
    doing = f"{importing}.py cannot be imported: it" if importing else subject
    if kind == "denied":
        package = text.partition(" ")[0]
        return Denied(f"imports {package}, which this section forbids: write it with numpy alone", where=where)
    if kind == "memory":
        return OutOfMemory(f"{doing} asked for more memory than it may have{f': {text}' if text else ''}", where=where)
    if kind == "not implemented":
        return NotImplementedYet("not implemented yet", where=where)
    if kind == "absent":
        return NotImplementedYet(text)
    if kind == "exit":
        return Raised(f"{doing} called sys.exit(); a graded function has to return", where=where)
    if kind == "unspeakable":
        return Raised(f"{doing} returned something that cannot be graded: {text}", where=where)
    return Raised(f"{doing} raised {type_}{f': {text}' if text else ''}", where=where)


class Remote:
    """An object that lives in the student's process: methods are called, and it can be an argument of other calls."""

    def __init__(self, session: Session, handle: Handle) -> None:
        self._session = session
        self._handle = handle

    def __repr__(self) -> str:
        return f"<a {self._handle.kind} in the student's process>"

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._session, self._handle, (name,))

    def write(self, name: str, array: Any) -> None:
        """`parameters()[name][...] = array`, in the student's process."""
        self._session.ask("write", self._handle, ("parameters",), [(name, array)])


class Module:
    """A student's module; its attributes are functions that run there."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._session, self._name, (name,))


class Function:
    """A function, class or method of the student's."""

    def __init__(self, session: Session, owner: str | Handle, path: tuple[str, ...]) -> None:
        self._session = session
        self._owner = owner
        self._path = path

    def __call__(self, *args: Any) -> Any:
        return self._session.ask("call", self._owner, self._path, [args])[0]

    def map(self, batches: Sequence[Sequence[Any]]) -> list[Any]:
        """One call per element, in one round trip."""
        return self._session.ask("call", self._owner, self._path, batches)

    def arity(self) -> int | None:
        """How many positional arguments it takes; None if there is no such function, or it takes any number."""
        count = self._session.ask("arity", self._owner, self._path, [()])[0]
        return count if type(count) is int else None

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._session, self._owner, (*self._path, name))


def travelling(value: Any) -> Any:
    if isinstance(value, Remote):
        return value._handle
    if type(value) in (list, tuple):
        return type(value)(travelling(part) for part in value)
    if type(value) is dict:
        return {key: travelling(part) for key, part in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    return value


def arriving(value: Any, session: Session) -> Any:
    if isinstance(value, Handle):
        return Remote(session, value)
    if type(value) in (list, tuple):
        return type(value)(arriving(part, session) for part in value)
    if type(value) is dict:
        return {key: arriving(part, session) for key, part in value.items()}
    return value
