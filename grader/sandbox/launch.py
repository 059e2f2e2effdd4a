"""Starts workers in two ways: `spawn` starts a new interpreter, on every system; `Zygote` is a warm process that forks.

Both return a Child, whose stdin and stdout are the channel. The worker confines itself before it imports the student's
code.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

from grader.errors import UsageError
from grader.model import Section

ROOT = Path(__file__).resolve().parents[2]
FORKS = sys.platform.startswith("linux")
# One arithmetic thread per process. This must be set before numpy is imported; numpy then also starts faster.
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS")}
ONE_THREAD["VECLIB_MAXIMUM_THREADS"] = "1"

_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); sys.dont_write_bytecode = {1}; "
    "from grader.sandbox.worker.{0} import main; del sys.path[0]; main()"
)


class Child(Protocol):
    """A started worker. `stdin` and `stdout` are its channel."""

    pid: int
    stdin: IO[bytes]
    stdout: IO[bytes]

    def running(self) -> bool: ...

    def end(self, grace: float) -> int | None:
        """Its exit code (negative: a signal) if it ends within `grace` seconds; None if it had to be killed. Afterwards
        it and every process it started are gone. A second call returns the same value."""


Launcher = Callable[[Path, IO[bytes]], Child]
Needs = tuple[tuple[str, str], tuple[str, ...], tuple[str, ...]]  # package, warm, drivers
Launch = Callable[[Section], Launcher]  # how the workers of a section are started


def environment(scratch: Path) -> dict[str, str]:
    """A worker's whole environment: nothing of the grader's own, and one thread for every library."""
    found = {
        "PATH": os.defpath,
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "MPLCONFIGDIR": str(scratch),
        "MPLBACKEND": "Agg",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONBREAKPOINT": "0",  # nobody would go on from there
        "LC_ALL": "C.UTF-8",
    }
    found |= ONE_THREAD
    if os.name == "nt":
        found |= {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
        found |= {name: str(scratch) for name in ("TEMP", "TMP", "USERPROFILE")}
    return found


def command(module: str) -> list[str]:
    """What starts a worker or a zygote. It keeps the bytecode of our own code if this process does."""
    boot = _BOOT.format(module, sys.dont_write_bytecode)
    return [sys.executable, "-s", "-P", "-X", "utf8", "-c", boot, str(ROOT)]


class Spawned:
    """A worker in an interpreter of its own."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdin is not None
        assert popen.stdout is not None
        self.popen, self.pid, self.stdin, self.stdout = popen, popen.pid, popen.stdin, popen.stdout

    def running(self) -> bool:
        return self.popen.poll() is None

    def end(self, grace: float) -> int | None:
        try:
            code: int | None = self.popen.wait(grace)
        except subprocess.TimeoutExpired:
            code = None
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        self.popen.kill()
        self.popen.wait()
        return code


def spawn(scratch: Path, output: IO[bytes]) -> Spawned:
    """Start a worker with a clean environment. What it prints goes to `output`."""
    return Spawned(
        subprocess.Popen(
            command("__main__"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd=scratch,
            env=environment(scratch),
            start_new_session=True,
        )
    )


class Forked:
    """A worker forked by a Zygote."""

    def __init__(self, zygote: Zygote, pid: int, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.zygote, self.pid, self.stdin, self.stdout = zygote, pid, stdin, stdout
        self.ended: tuple[int | None] | None = None

    def running(self) -> bool:
        return self.ended is None

    def end(self, grace: float) -> int | None:
        """As Child.end. Raises ZygoteGoneError if the zygote is gone; its workers have then died with it."""
        if self.ended is None:
            self.ended = (None,)
            reply = self.zygote.ask({"op": "end", "pid": self.pid, "grace": grace})
            self.ended = (None if reply["killed"] else int(reply["status"]),)
        return self.ended[0]


class ZygoteGoneError(RuntimeError):
    """A zygote no longer answers. The cause is the grader or the machine, not the student."""


class Zygote:
    """A warm process that forks one worker per session. Use as a context manager.

    On systems without fork (Windows), use `spawn`. Two threads must not use it at the same time.
    """

    def __init__(self) -> None:
        self.control, theirs = socket.socketpair()
        self.ready = False
        try:
            self.popen = subprocess.Popen(
                command("zygote"),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment(Path(os.sep)),
                cwd=os.sep,
                start_new_session=True,
            )
        finally:
            theirs.close()

    def __enter__(self) -> Zygote:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote, and with it every child that is still running."""
        self.control.close()
        self.popen.kill()
        self.popen.wait()
        if self.popen.stderr is not None:
            self.popen.stderr.close()

    def ask(self, request: dict[str, Any], descriptors: Collection[int] = ()) -> dict[str, Any]:
        """Send one request and return its reply. Raises ZygoteGoneError."""
        try:
            if not self.ready:
                self.receive()
                self.ready = True
            socket.send_fds(self.control, [json.dumps(request).encode()], list(descriptors))
            return self.receive()
        except OSError as error:
            raise ZygoteGoneError(f"the zygote is gone: {error}") from error

    def warm(self, section: Section) -> None:
        """Import the section's warm modules and its drivers. Raises UsageError if one cannot be imported."""
        request = {"modules": section.warm, "package": section.package, "drivers": section.drivers}
        if fault := self.ask({"op": "warm", **request})["fault"]:
            raise UsageError(fault)

    def receive(self) -> dict[str, Any]:
        data = self.control.recv(1 << 16)
        if not data:
            words = self.popen.stderr.read(4096).decode("utf-8", "replace") if self.popen.stderr else ""
            raise ZygoteGoneError(f"the zygote ended: {words}")
        reply: dict[str, Any] = json.loads(data)
        return reply

    def fork(self, scratch: Path, output: IO[bytes]) -> Forked:
        """A Launcher: fork a worker, with the warm modules already imported."""
        their_in, our_in = os.pipe()
        our_out, their_out = os.pipe()
        try:
            reply = self.ask({"op": "fork", "scratch": str(scratch)}, [their_in, their_out, output.fileno()])
        except BaseException:
            os.close(our_in)
            os.close(our_out)
            raise
        finally:
            os.close(their_in)
            os.close(their_out)
        return Forked(self, int(reply["pid"]), os.fdopen(our_in, "wb"), os.fdopen(our_out, "rb"))


class Zygotes:
    """One warm process per kind of section, started when first needed. Use as a context manager.

    With `ahead`, one is started at once, before its section is known. Where fork is unsafe (macOS's libraries) or does
    not exist (Windows), each worker is spawned.
    """

    def __init__(self, *, ahead: bool = False) -> None:
        self.warm: dict[Needs, Zygote] = {}
        self.spare = Zygote() if ahead and FORKS else None

    def __enter__(self) -> Zygotes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self.spare is not None:
            self.spare.close()
            self.spare = None
        while self.warm:
            self.warm.popitem()[1].close()

    def launch(self, section: Section) -> Launcher:
        """The Launcher for a section's workers."""
        return partial(self.fork, section) if FORKS else spawn

    def fork(self, section: Section, scratch: Path, output: IO[bytes]) -> Forked:
        """Fork a worker from the section's zygote. A dead zygote (out of memory, killed by hand) is replaced once."""
        needs = (section.package, section.warm, section.drivers)
        if needs in self.warm:
            try:
                return self.warm[needs].fork(scratch, output)
            except ZygoteGoneError:
                self.warm.pop(needs).close()
        self.warm[needs] = self.made(section)
        return self.warm[needs].fork(scratch, output)

    def made(self, section: Section) -> Zygote:
        """A zygote with the section's warm modules: the one that was started ahead if it still runs, else a new one."""
        spare, self.spare = self.spare, None
        for zygote in (spare, None):
            made = zygote or Zygote()
            try:
                made.warm(section)
                return made
            except BaseException as error:
                made.close()
                if zygote is None or not isinstance(error, ZygoteGoneError):
                    raise
        raise AssertionError
