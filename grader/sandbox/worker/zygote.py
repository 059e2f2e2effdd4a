"""A warm process that forks one confined child per session.

It imports what is slow to import (numpy, then what a section keeps warm, and its drivers) once, on one thread, and
holds nothing worth reading: no answer, no token, no other student's file. A request names a folder and brings three
descriptors; the child takes them as its stdin, stdout and stderr, confines itself, and becomes a worker.

Requests and replies are JSON datagrams on descriptor 0, a socket that only the grader holds the other end of:

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
import tempfile
import time
from typing import Any, NoReturn

from grader.sandbox.worker import __main__ as worker
from grader.sandbox.worker import drivers, seccomp

# What every worker imports, of libraries too.
BASE = ("numpy.random", "numpy.linalg", "argparse", "inspect", "traceback", "faulthandler", "resource", "pickle")


def main() -> None:
    control = socket.socket(fileno=os.dup(0))
    for name in BASE:
        importlib.import_module(name)
    seccomp.prepare()
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
    """What is in memory now is never looked at again: a collection in a child would touch, and so copy, every page."""
    gc.collect()
    gc.freeze()


def warm(request: dict[str, Any]) -> str:
    """Import what a section keeps warm, and its drivers. The sentence for what cannot be imported, or ""."""
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
    """Never returns into the zygote's loop, whatever happens."""
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
        tempfile.tempdir = None  # found anew: the zygote's own was remembered while it imported
        worker.main()
        code = 0
    except BaseException as error:
        with contextlib.suppress(BaseException):
            os.write(2, f"\nworker: {type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(code)


def end(pid: int, grace: float) -> tuple[int, bool]:
    """Reap one child: its wait status, and whether it had to be killed. Its process group goes with it."""
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
