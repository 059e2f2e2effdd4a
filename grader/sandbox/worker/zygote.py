"""A warm process that forks one confined child per session.

It imports slow modules once, on one thread: numpy, then the section's warm modules and its drivers. It holds no secret:
no answer, no token, no other student's file. A request to fork names a folder and brings three descriptors. The child
takes them as its stdin, stdout and stderr, confines itself, and becomes a worker.

Requests and replies are JSON datagrams on descriptor 0, a socket whose other end only the grader has:

    {"op": "warm", "modules", "package", "drivers"}  ->  {"fault"}         what could not be imported, or ""
    {"op": "fork", "scratch"} + 3 descriptors  ->  {"pid"}
    {"op": "end", "pid", "grace"}              ->  {"status", "killed"}    SIGKILL once `grace` seconds are over
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from typing import Any, NoReturn

from grader.sandbox.worker import __main__ as worker
from grader.sandbox.worker import drivers, imports, seccomp

# Modules that every worker imports.
BASE = (
    "numpy.random", "numpy.linalg", "argparse", "inspect", "traceback", "faulthandler", "resource", "pickle",
    "grp", "pwd",
)  # fmt: skip


def main() -> None:
    control = socket.socket(fileno=os.dup(0))
    for name in BASE:
        importlib.import_module(name)
    seccomp.prepare()
    for folder in sys.path:
        imports.real(folder)
    settle()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader decides when to stop
    control.send(json.dumps({"ready": os.getpid()}).encode())
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 3)
        if not data:
            return
        request = json.loads(data)
        reply: dict[str, Any]
        if request["op"] == "fork":
            reply = {"pid": fork(control, request, descriptors)}
        elif request["op"] == "warm":
            reply = {"fault": warm(request)}
        else:
            status, killed = end(request["pid"], request["grace"])
            reply = {"status": os.waitstatus_to_exitcode(status), "killed": killed}
        control.send(json.dumps(reply).encode())


def settle() -> None:
    """Keep the garbage collector off what is in memory now. In a child it would touch, and so copy, every page."""
    gc.freeze()


def warm(request: dict[str, Any]) -> str:
    """Import the section's warm modules and its drivers. Return a sentence if one cannot be imported, else ""."""
    try:
        for name in request["modules"]:
            importlib.import_module(name)
        drivers.load(request["package"], request["drivers"])
    except drivers.DriverError as error:
        return str(error)
    except Exception as error:
        return f"{name} cannot be kept warm ({type(error).__name__}: {error}); take it out of `warm:` in rubric.yaml"
    settle()
    return ""


def fork(control: socket.socket, request: dict[str, Any], descriptors: list[int]) -> int:
    pid = os.fork()
    if pid == 0:
        become_worker(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return pid


def become_worker(request: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Become a worker and then exit. This never returns to the zygote's loop."""
    code = 1
    try:
        os.setsid()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
        os.closerange(3, 1 << 16)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(request["scratch"])
        for name in ("HOME", "TMPDIR", "MPLCONFIGDIR"):
            os.environ[name] = request["scratch"]
        tempfile.tempdir = None  # so that it is looked up again; an import cached the zygote's
        worker.main()
        code = 0
    except BaseException as error:
        with contextlib.suppress(BaseException):
            os.write(2, f"\nworker: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def end(pid: int, grace: float) -> tuple[int, bool]:
    """End one child and its process group. Return its wait status, and whether it had to be killed."""
    deadline = time.monotonic() + grace
    done, status = os.waitpid(pid, os.WNOHANG)
    while not done and time.monotonic() < deadline:
        time.sleep(0.001)
        done, status = os.waitpid(pid, os.WNOHANG)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if not done:
        os.kill(pid, signal.SIGKILL)  # a child that has not reached setsid yet is in no group of its own
        _, status = os.waitpid(pid, 0)
    return status, not done


if __name__ == "__main__":
    main()
