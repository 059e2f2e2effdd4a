"""Forbidden acts that a worker tries itself, after it was confined and before it imports the student's code.

Only a refused act proves that confinement works; a return code of 0 does not. Each canary calls libc directly, below
Python's hooks, and is harmless if it is not refused. Together they take some tens of microseconds.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable

from grader.sandbox.worker import seccomp

AF_UNIX, AF_INET, SOCK_STREAM, PTRACE_PEEKDATA = 1, 2, 1, 2


def escaped(session: str) -> dict[str, bool]:
    """Act -> whether it was possible. `session` is the session's folder; writing there must fail.

    Empty on systems other than Linux, where nothing is claimed.
    """
    if not sys.platform.startswith("linux"):
        return {}
    libc = seccomp.libc()
    acts: dict[str, Callable[[], bool]] = {
        "read": lambda: opens(__file__, os.O_RDONLY),
        "list": lambda: opens("/", os.O_RDONLY | os.O_DIRECTORY),
        "write": lambda: opens(os.path.join(session, "canary"), os.O_WRONLY | os.O_CREAT),  # noqa: PTH118
        "internet": lambda: connects(libc, AF_INET),
        "unix": lambda: connects(libc, AF_UNIX),
        "fork": lambda: forks(libc),
        "exec": lambda: refused_otherwise(libc.execve(b"/canary", None, None)),
        "signal": lambda: libc.kill(os.getppid(), 0) == 0,
        "ptrace": lambda: refused_otherwise(libc.ptrace(PTRACE_PEEKDATA, os.getppid(), None, None)),
    }
    return {name: act() for name, act in acts.items()}


def line(session: str) -> str:
    """How many acts were refused, and the names of those that were not, for the report."""
    tried = escaped(session)
    if not tried:
        return ""
    open_ = [name for name, possible in tried.items() if possible]
    return f" verified={len(tried) - len(open_)}/{len(tried)}" + (f" open={'+'.join(open_)}" if open_ else "")


def opens(path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags | os.O_CLOEXEC, 0o600))
    except PermissionError:
        return False
    return True


def connects(libc: ctypes.CDLL, family: int) -> bool:
    descriptor = libc.socket(family, SOCK_STREAM, 0)
    if descriptor >= 0:
        os.close(descriptor)
    return bool(descriptor >= 0)


def forks(libc: ctypes.CDLL) -> bool:
    pid = libc.fork()
    if pid == 0:
        os._exit(0)
    if pid > 0:
        os.waitpid(pid, 0)
    return bool(pid > 0)


def refused_otherwise(result: int) -> bool:
    """Whether a call was not refused with EPERM. It is a call that fails in any case, for another reason."""
    return result != -1 or ctypes.get_errno() != errno.EPERM
