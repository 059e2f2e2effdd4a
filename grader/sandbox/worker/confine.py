"""Confines this process for good, so that a student's code cannot harm the machine. Linux only; needs no privilege.

It uses three mechanisms through ctypes. rlimits limit resources. Landlock limits which files can be opened. seccomp
refuses system calls that reach other processes, the network or rarely used parts of the kernel. `confine` says which
mechanism covers each property; canary.py then tests that it works, because a return code proves nothing.

Source: landlock(7).
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from dataclasses import dataclass, field

from grader.sandbox.worker import seccomp

PR_SET_NO_NEW_PRIVS = 38
CAPABILITIES, CAP_DAC_READ_SEARCH = 0x20080522, 2  # capget(2)'s third version
Sets = ctypes.c_char * 24  # what capget(2) fills in; made here, once, because to make a type takes long

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
EXECUTE, READ_FILE, READ_DIR = 1 << 0, 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
BASE_RIGHTS = (1 << 13) - 1  # ABI 1: execute, write, read, list, remove and make of every kind
WRITE = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8) | TRUNCATE  # files and folders; no device, socket or link
FILE_ONLY = EXECUTE | (1 << 1) | READ_FILE | TRUNCATE | IOCTL_DEV


@dataclass(frozen=True, slots=True)
class Policy:
    """What stays allowed. Sizes are in bytes. Paths are files or folders; a right to a folder covers all below it.

    `list` shows names only; `write` and `run` include reading. No code of a student's gets to `run` anything.
    """

    read: tuple[str, ...] = ()
    list: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("/dev/null", "/dev/urandom", "/dev/zero")
    memory: int = 2 << 30
    file_size: int = 64 << 20
    open_files: int = 256
    cpu: int = 3600


@dataclass(frozen=True, slots=True)
class Held:
    """The name of the mechanism that ensures each property; "" if none does."""

    fs: str = ""
    net: str = ""
    procs: str = ""
    signals: str = ""
    memory: str = ""
    problems: tuple[str, ...] = field(default_factory=tuple)

    def line(self) -> str:
        names = ("fs", "net", "procs", "signals", "memory")
        return " ".join(f"{name}={getattr(self, name) or 'none'}" for name in names)


def confine(policy: Policy) -> Held:
    """Confine this process and all it will ever start. Cannot be undone. `problems` lists what failed."""
    problems: list[str] = []
    memory = "as" if limit(policy, problems) else ""
    if not sys.platform.startswith("linux"):
        return Held(memory=memory, problems=(*problems, f"no confinement is written for {sys.platform}"))
    if (threads := len(os.listdir("/proc/self/task"))) > 1:  # noqa: PTH208 - each thread confines itself alone
        return Held(memory=memory, problems=(*problems, f"{threads} threads ran before it was confined"))
    libc = seccomp.libc()
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return Held(memory=memory, problems=(*problems, "no_new_privs was refused"))
    libc.prctl(seccomp.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    drop_capabilities(libc, problems)
    abi = restrict_files(libc, policy, problems)
    filtered = "seccomp" if seccomp.filter_calls(abi < 3, problems) else ""
    return Held(f"landlock{abi}" if abi else "", filtered, filtered, filtered, memory, tuple(problems))


def drop_capabilities(libc: ctypes.CDLL, problems: list[str]) -> None:
    """Give up root's special rights, except reading other users' files: its libraries may belong to another user."""
    header, sets = struct.pack("<Ii", CAPABILITIES, 0), Sets()
    kept = 0
    if libc.capget(header, sets) == 0:
        kept = struct.unpack_from("<I", sets, 4)[0] & 1 << CAP_DAC_READ_SEARCH
    if libc.capset(header, struct.pack("<6I", kept, kept, 0, 0, 0, 0)) != 0:
        problems.append(f"capabilities: {os.strerror(ctypes.get_errno())}")


def limit(policy: Policy, problems: list[str]) -> bool:
    try:
        import resource
    except ImportError:
        problems.append("this system has no rlimits")
        return False
    limits = {
        "RLIMIT_AS": policy.memory,
        "RLIMIT_FSIZE": policy.file_size,
        "RLIMIT_NOFILE": policy.open_files,
        "RLIMIT_CPU": policy.cpu,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    held = True
    for name, value in limits.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        try:
            resource.setrlimit(number, (value, value))
        except (ValueError, OSError) as error:
            if 0 <= resource.getrlimit(number)[1] < value:
                continue  # whoever started the grader allows less already, as `ulimit -v` does
            problems.append(f"{name}: {error}")
            held = held and name != "RLIMIT_AS"
    return held


# Files: Landlock


def landlock_abi(libc: ctypes.CDLL) -> int:
    """The kernel's Landlock version; 0 if it has none or a container's filter hides it."""
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    return max(0, int(version))


def restrict_files(libc: ctypes.CDLL, policy: Policy, problems: list[str]) -> int:
    """Restrict reads and writes to the policy's paths. Return the Landlock ABI in use, or 0."""
    abi = landlock_abi(libc)
    if not abi:
        problems.append("the kernel offers no Landlock")
        return 0
    handled = BASE_RIGHTS | (REFER if abi >= 2 else 0) | (TRUNCATE if abi >= 3 else 0) | (IOCTL_DEV if abi >= 5 else 0)
    attributes = struct.pack("<QQQ", handled, 3, 3)  # every TCP right; abstract sockets and signals out of the domain
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, attributes, size, 0)
    if ruleset < 0:
        problems.append(f"Landlock: {os.strerror(ctypes.get_errno())}")
        return 0
    try:
        for path in policy.read:
            allow(libc, ruleset, path, handled & (READ_FILE | READ_DIR))
        for path in policy.list:
            allow(libc, ruleset, path, handled & READ_DIR)
        for path in policy.write:
            allow(libc, ruleset, path, handled & (READ_FILE | READ_DIR | WRITE))
        for path in policy.run:
            allow(libc, ruleset, path, handled & (READ_FILE | READ_DIR | EXECUTE))
        for path in policy.devices:
            allow(libc, ruleset, path, handled & (READ_FILE | 1 << 1 | TRUNCATE))
        if libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
            problems.append(f"Landlock: {os.strerror(ctypes.get_errno())}")
            return 0
    finally:
        os.close(ruleset)
    return abi


def allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    """Grant rights below one path. A path that does not exist or cannot be opened needs no rule."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return
    try:
        for granted in (rights, rights & FILE_ONLY):  # the kernel refuses a folder's rights for a file
            if libc.syscall(LANDLOCK_ADD_RULE, ruleset, 1, struct.pack("<Qi", granted, opened), 0) == 0:
                break
    finally:
        os.close(opened)
