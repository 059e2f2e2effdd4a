"""A process gives up, for good, what a student's code has no business with: Linux only, no privilege needed.

Three layers, each through ctypes: rlimits bound what is used, Landlock bounds which files are seen, seccomp refuses the
system calls that reach other processes, the network or rarer corners of the kernel. `confine` says which properties
hold; that they do is for a canary to show (see doctor.py), never for a return code.

Facts: landlock(7), seccomp(2), linux/filter.h; the measurements are in the project's notes.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
READ_FILE, READ_DIR = 1 << 2, 1 << 3
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
BASE_RIGHTS = (1 << 13) - 1  # ABI 1: execute, write, read, list, remove and make of every kind
WRITE = (1 << 1) | (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8) | TRUNCATE  # files and folders; no device, socket or link
FILE_ONLY = (1 << 0) | (1 << 1) | READ_FILE | TRUNCATE | IOCTL_DEV


@dataclass(frozen=True, slots=True)
class Policy:
    """What stays allowed. Sizes in bytes; the paths are files and folders, and what is granted holds below them too.

    `list` shows names only; `write` implies reading.
    """

    read: tuple[str, ...] = ()
    list: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("/dev/null", "/dev/urandom", "/dev/zero")
    memory: int = 2 << 30
    file_size: int = 64 << 20
    open_files: int = 256
    cpu: int = 3600


@dataclass(frozen=True, slots=True)
class Held:
    """Which mechanism holds each property, by name; "" where nothing does."""

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
    """Confine this process and all it will ever start. Cannot be undone. Whatever fails is told in `problems`."""
    problems: list[str] = []
    memory = "as" if limit(policy, problems) else ""
    if not sys.platform.startswith("linux"):
        return Held(memory=memory, problems=(*problems, f"{sys.platform} offers no confinement that this uses"))
    if (threads := len(os.listdir("/proc/self/task"))) > 1:  # noqa: PTH208 - each thread confines itself alone
        return Held(memory=memory, problems=(*problems, f"{threads} threads ran before it was confined"))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return Held(memory=memory, problems=(*problems, "no_new_privs was refused"))
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    abi = restrict_files(libc, policy, problems)
    filtered = "seccomp" if filter_calls(libc, abi, problems) else ""
    return Held(f"landlock{abi}" if abi else "", filtered, filtered, filtered, memory, tuple(problems))


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
            problems.append(f"{name}: {error}")
            held = held and name != "RLIMIT_AS"
    return held


# Files: Landlock


def landlock_abi(libc: ctypes.CDLL) -> int:
    """The kernel's Landlock version; 0 where there is none, or a container's filter hides it."""
    version = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    return max(0, int(version))


def restrict_files(libc: ctypes.CDLL, policy: Policy, problems: list[str]) -> int:
    """Restrict reads and writes to the policy's paths. The Landlock ABI in force, or 0."""
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
        for path in policy.devices:
            allow(libc, ruleset, path, handled & (READ_FILE | 1 << 1 | TRUNCATE))
        if libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
            problems.append(f"Landlock: {os.strerror(ctypes.get_errno())}")
            return 0
    finally:
        os.close(ruleset)
    return abi


def allow(libc: ctypes.CDLL, ruleset: int, path: str, rights: int) -> None:
    """Grant rights below one path. A path that is not there, or not ours to open, needs no rule."""
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - no pathlib in a child that is counted in microseconds
            rights &= FILE_ONLY
        libc.syscall(LANDLOCK_ADD_RULE, ruleset, 1, struct.pack("<Qi", rights, opened), 0)
    finally:
        os.close(opened)


# System calls: seccomp

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
LAST_KNOWN = 450  # calls newer than this table do not exist here
ANY_PID = 0x7EADBEEF  # above every process id, and in no instruction

# name: number on x86_64, number on aarch64 (None: there is no such call)
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other programs and processes
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119),  # root could make itself a real-time process, and its supervisor wait
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "setrlimit": (160, 164),
    # network
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "bind": (49, 200),
    "listen": (50, 201),
    # memory and messages that outlive a process
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # identity and namespaces
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setgroups": (116, 159),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
    "unshare": (272, 97),
    "setns": (308, 268),
    # mounts and the kernel itself
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "adjtimex": (159, 171),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "lookup_dcookie": (212, 18),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_setup": (206, 0),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "mknod": (133, None),
    "mknodat": (259, 33),
}

# Answered with success and not carried out: Landlock does not cover them, and honest code calls them in passing.
FAKED: dict[str, tuple[int | None, int | None]] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
}

CLONE3 = (435, 435)
TRUNCATE_CALL = (76, 45)
CLONE, KILL_CALL, TGKILL = (56, 220), (62, 129), (234, 131)
SOCKETPAIR, PRLIMIT, PRCTL, FCNTL, IOCTL = (53, 199), (302, 261), (157, 167), (72, 25), (16, 29)
AFFINITY, PERSONALITY, SENDTO, SENDMMSG, FALLOCATE = (203, 122), (135, 92), (44, 206), (307, 269), (285, 47)

CLONE_THREAD = 0x00010000
F_SETOWN, F_SETSIG, F_SETOWN_EX = 8, 10, 15
TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902

LOAD, JUMP_EQUAL, JUMP_GREATER, JUMP_BITS, MASK, RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06


def instruction(code: int, k: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("<HBBI", code, yes, no, k)


def refuse(number: int) -> bytes:
    return instruction(RETURN, 0x00050000 | number)


def argument(at: int, *, high: bool = False) -> bytes:
    """Load half of a call's argument; both architectures are little-endian."""
    return instruction(LOAD, 16 + 8 * at + (4 if high else 0))


def only_if_equal(at: int, values: Iterable[int]) -> bytes:
    """The rest of a call's rule: allowed when the argument's low half is one of `values`."""
    tests = b"".join(instruction(JUMP_EQUAL, value, 0, 1) + instruction(RETURN, ALLOW) for value in values)
    return argument(at) + tests + refuse(errno.EPERM)


def unless_equal(at: int, values: Iterable[int]) -> bytes:
    tests = b"".join(instruction(JUMP_EQUAL, value, 0, 1) + refuse(errno.EPERM) for value in values)
    return argument(at) + tests + instruction(RETURN, ALLOW)


def conditional_rules(pid: int) -> list[tuple[tuple[int, int], bytes]]:
    """Calls that are judged by their arguments; each body ends in a return."""
    thread = instruction(JUMP_BITS, CLONE_THREAD, 0, 1) + instruction(RETURN, ALLOW) + refuse(errno.EPERM)
    # A connected stream takes no address, so such a pair can reach nobody else.
    stream = argument(1) + instruction(MASK, 0xF) + instruction(JUMP_EQUAL, 1, 0, 1)
    pair = argument(0) + instruction(JUMP_EQUAL, 1, 1, 0) + refuse(errno.EPERM) + stream
    read_only = argument(2) + instruction(JUMP_EQUAL, 0, 1, 0) + refuse(errno.EPERM)
    read_only += argument(2, high=True) + instruction(JUMP_EQUAL, 0, 1, 0) + refuse(errno.EPERM)
    no_address = b"".join(
        argument(4, high=high) + instruction(JUMP_EQUAL, 0, 1, 0) + refuse(errno.EPERM) for high in (False, True)
    )
    own = (0, pid)
    return [
        (CLONE, argument(0) + thread),
        (CLONE3, refuse(errno.ENOSYS)),  # its flags lie in memory; libc falls back to clone
        (KILL_CALL, only_if_equal(0, [pid])),
        (TGKILL, only_if_equal(0, [pid])),
        (SOCKETPAIR, pair + instruction(RETURN, ALLOW) + refuse(errno.EPERM)),
        (SENDTO, no_address + instruction(RETURN, ALLOW)),
        (SENDMMSG, refuse(errno.EPERM)),
        (PRLIMIT, read_only + only_if_equal(0, own)),
        (PRCTL, unless_equal(0, [PR_SET_PDEATHSIG, PR_SET_DUMPABLE])),  # dumpable, or its use cannot be watched
        (FALLOCATE, refuse(errno.EOPNOTSUPP)),  # it takes disk past every limit; libc writes instead
        (FCNTL, unless_equal(1, [F_SETOWN, F_SETSIG, F_SETOWN_EX])),
        (IOCTL, unless_equal(1, [TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP])),
        (PERSONALITY, only_if_equal(0, [0xFFFFFFFF])),
        (AFFINITY, only_if_equal(0, own)),
    ]


def program(machine: str, pid: int, *, refuse_truncate: bool) -> bytes:
    """The filter for one process. Raises ValueError for a machine that the tables do not know."""
    return template(machine, refuse_truncate).replace(struct.pack("<I", ANY_PID), struct.pack("<I", pid))


@cache
def template(machine: str, refuse_truncate: bool) -> bytes:
    """The filter, for ANY_PID."""
    column = list(AUDIT_ARCH).index(machine)
    parts = [
        instruction(LOAD, 4) + instruction(JUMP_EQUAL, AUDIT_ARCH[machine], 1, 0) + instruction(RETURN, KILL),
        instruction(LOAD, 0) + instruction(JUMP_GREATER, LAST_KNOWN, 0, 1) + refuse(errno.ENOSYS),
    ]
    for numbers, body in conditional_rules(ANY_PID):
        parts.append(instruction(JUMP_EQUAL, numbers[column], 0, len(body) // 8) + body)
    refused = dict(REFUSED) | ({"truncate": TRUNCATE_CALL} if refuse_truncate else {})
    for table, answer in ((refused, refuse(errno.EPERM)), (FAKED, refuse(0))):
        for pair in table.values():
            number = pair[column]
            if number is not None:
                parts.append(instruction(JUMP_EQUAL, number, 0, 1) + answer)
    return b"".join(parts) + instruction(RETURN, ALLOW)


def prepare() -> None:
    """Make the filter ahead, in a process that others will be forked from."""
    if platform.machine() in AUDIT_ARCH:
        for refuse_truncate in (False, True):
            template(platform.machine(), refuse_truncate)


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def filter_calls(libc: ctypes.CDLL, abi: int, problems: list[str]) -> bool:
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        problems.append(f"no system-call filter is written for {machine}")
        return False
    code = program(machine, os.getpid(), refuse_truncate=abi < 3)
    fprog = SockFprog(len(code) // 8, code)
    if libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(fprog), 0, 0) != 0:
        problems.append(f"seccomp: {os.strerror(ctypes.get_errno())}")
        return False
    return True
