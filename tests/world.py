"""The world around a hostile submission: what it must not read, reach or change, and a way to see whether it did."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[1]
SECRET, KEY, TOKEN = "xyzzy-of-the-secret", "xyzzy-of-the-key", "xyzzy-of-the-environment"
# What only the solution, the rubric and the checks hold; a report that quotes one has leaked it.
FIXTURE = repr((ROOT / "fixtures" / "backprop-data.pkl").read_bytes()[-40:])[2:-1]
INNER = ("END SOLUTION", "call_wall:", "expect_gradient(", "b was broadcast over the batch")


class Listeners:
    """Servers that no submission may reach; each counts who came."""

    def __init__(self, folder: Path) -> None:
        self.came: list[str] = []
        self.path, self.abstract = str(folder / "service"), f"backgrade-{os.getpid()}-{folder.parent.name}"
        self.sockets = {
            "tcp": socket.create_server(("127.0.0.1", 0)),
            "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "unix": socket.socket(socket.AF_UNIX),
            "abstract": socket.socket(socket.AF_UNIX),
        }
        self.sockets["udp"].bind(("127.0.0.1", 0))
        self.sockets["unix"].bind(self.path)
        self.sockets["abstract"].bind("\0" + self.abstract)
        for name in ("unix", "abstract"):
            self.sockets[name].listen()
        if socket.has_dualstack_ipv6():
            self.sockets["tcp6"] = socket.create_server(("::1", 0), family=socket.AF_INET6)
        for name, server in self.sockets.items():
            threading.Thread(target=self.wait, args=(name, server), daemon=True).start()

    def wait(self, name: str, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                server.recv(100) if name == "udp" else server.accept()[0].close()
                self.came.append(name)

    def port(self, name: str) -> int:
        return int(self.sockets[name].getsockname()[1])

    def close(self) -> None:
        for server in self.sockets.values():
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()


# The command, once for each line: starting Python and its libraries anew would be most of the time.
COMMAND = """
import contextlib, io, json, os, sys
from grader.cli import main
with os.fdopen(int(sys.argv[1]), "w") as answers:
    for line in sys.stdin:
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        words, environment = json.loads(line)
        os.environ.update(environment)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main(words)
            out.flush()
        for name in environment:
            del os.environ[name]
        print(json.dumps([code, out.buffer.getvalue().decode()]), file=answers, flush=True)
"""


class Command:
    """A process that grades; it is what attacks on the grader would end."""

    def __init__(self, folder: Path) -> None:
        mine, theirs = os.pipe()
        self.answers = os.fdopen(mine)
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, str(theirs)],
                cwd=folder,
                env=os.environ
                | {
                    "TMPDIR": str(folder / "tmp"),
                    "BACKGRADE_SECRET": TOKEN,
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONPATH": str(ROOT),
                },
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=[theirs],
                text=True,
            )
        os.close(theirs)

    def run(self, words: list[str], **environment: str) -> tuple[int, str]:
        """Exit code, and all that was printed; `environment` holds for this run alone."""
        assert self.process.stdin is not None
        print(json.dumps([words, environment]), file=self.process.stdin, flush=True)
        answer = self.answers.readline()
        beside = self.output.read_text("utf-8", "replace")
        assert answer, f"the grader was ended: {self.process.wait()} {beside}"
        code, shown = json.loads(answer)
        return code, shown + beside

    def close(self) -> None:
        self.process.kill()  # an attack may have stopped it
        self.process.communicate()
        self.answers.close()


class World:
    """Everything around a submission that it must not touch, and a way to see whether it did."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("victim", "home/.ssh", "homework", "tmp"):
            (folder / name).mkdir(parents=True)
        (folder / "secret").write_text(SECRET)
        (folder / "home" / ".ssh" / "id_ed25519").write_text(KEY)
        (folder / "victim" / "file").write_text(SECRET)
        self.homework = patient(folder / "homework")
        self.listeners = Listeners(folder)
        self.process = subprocess.Popen(["sleep", "3600"], stdin=subprocess.DEVNULL)
        self.command = Command(folder)
        self.places = {
            "secret": str(folder / "secret"),
            "victim": str(folder / "victim"),
            "home": str(folder / "home"),
            "root": str(ROOT),
            "process": self.process.pid,
            "grader": self.command.process.pid,
            "tcp": self.listeners.port("tcp"),
            "tcp6": self.listeners.port("tcp6") if "tcp6" in self.listeners.sockets else 9,
            "udp": self.listeners.port("udp"),
            "unix": self.listeners.path,
            "abstract": self.listeners.abstract,
        }

    def revealed(self, shown: str) -> list[str]:
        """Secrets that a text holds."""
        return [secret for secret in (SECRET, KEY, TOKEN, FIXTURE, *INNER) if secret in shown]

    def close(self) -> None:
        self.listeners.close()
        self.command.close()
        self.process.kill()
        self.process.wait()

    def state(self) -> dict[str, Any]:
        if (ended := self.process.poll()) is not None:
            return {"ended": ended}
        victim = psutil.Process(self.process.pid)
        return {
            "victim": snapshot(self.folder / "victim"),
            "secret": (self.folder / "secret").stat().st_nlink,
            "project": {name: snapshot(ROOT / name) for name in ("reference", "student", "grader", "fixtures")},
            "libraries": sorted(path.name for path in Path(psutil.__file__).parents[1].glob("*.pth")),
            "process": (victim.status() != psutil.STATUS_STOPPED, victim.nice(), victim.cpu_affinity()),
            "limits": victim.rlimit(psutil.RLIMIT_NOFILE),
            "tracer": traced(self.process.pid),
            "children": children(),
            "came": list(self.listeners.came),
            "left": names(self.folder / "tmp"),
            "tmp": [name for name in names(Path("/tmp")) if name.startswith("backgrade-left")],
            "shared": [name for name in names(Path("/dev/shm")) if not name.startswith("sem.mp-")],  # of other programs
            "ipc": [Path(f"/proc/sysvipc/{kind}").read_text().count("\n") for kind in ("shm", "sem", "msg")],
        }


def children() -> list[int]:
    """Processes below this one; not those that have ended and wait for this one alone to take note."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE or child.ppid() != os.getpid():
                found.append(child.pid)
    return sorted(found)


def patient(folder: Path) -> Path:
    """The homework with limits that end soon."""
    shutil.copytree(
        ROOT / "grader" / "homework", folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    rubric = folder / "rubric.yaml"
    text = rubric.read_text(encoding="utf-8").replace("call_cpu: 5", "call_cpu: 1")
    rubric.write_text(text.replace("call_wall: 20", "call_wall: 3"), encoding="utf-8")
    return folder


def snapshot(folder: Path) -> list[tuple[str, int, int, int]]:
    paths = sorted(path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return [(str(path), (s := path.lstat()).st_mode, s.st_size, s.st_mtime_ns) for path in paths]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def traced(pid: int) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith("TracerPid"))


def constants(source: str) -> dict[str, Any]:
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
        if isinstance(node.value, ast.Constant)
    }
