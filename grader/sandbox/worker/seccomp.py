"""Which system calls a confined process may make: the tables, the filter built from them, and its installation.

Sources: seccomp(2), linux/filter.h, and the kernel's system-call tables of both architectures.
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
from functools import cache

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
LAST_KNOWN = 450  # newer calls than this are answered with ENOSYS
ANY_PID = 0x7EADBEEF  # a placeholder: above every process id, and in no instruction

# name: number on x86_64, number on aarch64 (None: there is no such call)
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other programs and processes
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    "tkill": (200, 130),
    "timer_create": (222, 107),  # its signal is in memory, which a filter cannot read, and may be SIGKILL
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
    "sched_setscheduler": (144, 119),  # as a real-time process, root's code could starve the grader
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "setrlimit": (160, 164),
    # kernel memory that no limit of a process counts; names in folders that it may not list
    "vmsplice": (278, 75),  # a pipe keeps pages that the process has unmapped
    "sendmsg": (46, 211),
    "setsockopt": (54, 208),
    "landlock_create_ruleset": (444, 444),  # once confined, nobody needs another
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
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

# Calls that report success but do nothing: Landlock does not cover them, and harmless code makes them in passing.
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
    "flock": (73, 32),  # on a library that everyone reads it would be a sign to another student's process
}

CLONE3 = (435, 435)
TRUNCATE_CALL = (76, 45)
CLONE, KILL_CALL, TGKILL = (56, 220), (62, 129), (234, 131)
SOCKETPAIR, PRLIMIT, PRCTL, FCNTL, IOCTL = (53, 199), (302, 261), (157, 167), (72, 25), (16, 29)
AFFINITY, PERSONALITY, SENDTO, SENDMMSG, FALLOCATE = (203, 122), (135, 92), (44, 206), (307, 269), (285, 47)

CLONE_THREAD = 0x00010000
# Allowed fcntl commands: descriptors, their flags, a pipe's size. Not allowed: a lease, which blocks others that open
# the file; signals to others; a larger pipe; to ask who holds a lock. Locks report success, as flock does.
FCNTL_COMMANDS = (*range(5), 1030, 1032)
LOCKS = (6, 7, 37, 38)
# TCGETS, TIOCGPGRP, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: `isatty` and pipes need these. All others are for
# devices, file systems and networks.
IOCTL_COMMANDS = (0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

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


def without(at: int, values: Iterable[int], answer: bytes) -> bytes:
    """`answer` if an argument's low half is one of `values`; what follows decides on all others."""
    return argument(at) + b"".join(instruction(JUMP_EQUAL, value, 0, 1) + answer for value in values)


def unless_equal(at: int, values: Iterable[int]) -> bytes:
    return without(at, values, refuse(errno.EPERM)) + instruction(RETURN, ALLOW)


def conditional_rules(pid: int) -> list[tuple[tuple[int, int], bytes]]:
    """Calls that are allowed or refused by their arguments. Each body ends in a return."""
    thread = instruction(JUMP_BITS, CLONE_THREAD, 0, 1) + instruction(RETURN, ALLOW) + refuse(errno.EPERM)
    # A connected stream takes no address, so such a pair cannot reach another process.
    stream = argument(1) + instruction(MASK, 0xF) + instruction(JUMP_EQUAL, 1, 0, 1)
    pair = argument(0) + instruction(JUMP_EQUAL, 1, 1, 0) + refuse(errno.EPERM) + stream
    read_only = argument(2) + instruction(JUMP_EQUAL, 0, 1, 0) + refuse(errno.EPERM)
    read_only += argument(2, high=True) + instruction(JUMP_EQUAL, 0, 1, 0) + refuse(errno.EPERM)
    no_address = b"".join(
        argument(4, high=high) + instruction(JUMP_EQUAL, 0, 1, 0) + refuse(errno.EPERM) for high in (False, True)
    )
    own = (0, pid)
    deadly = [getattr(signal, "SIGKILL", 9)]  # then SIGKILL is the system's, and grading again costs nobody any time
    return [
        (CLONE, argument(0) + thread),
        (CLONE3, refuse(errno.ENOSYS)),  # its flags are in memory, which a filter cannot read; libc falls back to clone
        (KILL_CALL, without(1, deadly, refuse(errno.EPERM)) + only_if_equal(0, [pid])),
        (TGKILL, without(2, deadly, refuse(errno.EPERM)) + only_if_equal(0, [pid])),
        (SOCKETPAIR, pair + instruction(RETURN, ALLOW) + refuse(errno.EPERM)),
        (SENDTO, no_address + instruction(RETURN, ALLOW)),
        (SENDMMSG, refuse(errno.EPERM)),
        (PRLIMIT, read_only + only_if_equal(0, own)),
        (PRCTL, unless_equal(0, [PR_SET_PDEATHSIG, PR_SET_DUMPABLE])),  # if not dumpable, the grader cannot watch it
        (FALLOCATE, refuse(errno.EOPNOTSUPP)),  # it evades the limits on disk use; libc writes instead
        (FCNTL, without(1, LOCKS, refuse(0)) + only_if_equal(1, FCNTL_COMMANDS)),
        (IOCTL, only_if_equal(1, IOCTL_COMMANDS)),
        (PERSONALITY, only_if_equal(0, [0xFFFFFFFF])),
        (AFFINITY, only_if_equal(0, own)),
    ]


def program(machine: str, pid: int, *, refuse_truncate: bool) -> bytes:
    """The filter for one process. Raises ValueError for an architecture without a table."""
    return template(machine, refuse_truncate).replace(struct.pack("<I", ANY_PID), struct.pack("<I", pid))


@cache
def template(machine: str, refuse_truncate: bool) -> bytes:
    """The filter with the placeholder ANY_PID."""
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


CALLED = ("prctl", "syscall", "capget", "capset", "execve", "kill", "ptrace", "socket", "fork")


@cache
def libc() -> ctypes.CDLL:
    """C's own library. It keeps the errno of each call."""
    return ctypes.CDLL(None, use_errno=True)


def prepare() -> None:
    """Load C's library, find the functions that confine.py and canary.py call, and build the filter in advance, in a
    process from which workers will be forked."""
    if sys.platform.startswith("linux"):
        for function in CALLED:
            getattr(libc(), function)
    if platform.machine() in AUDIT_ARCH:
        for refuse_truncate in (False, True):
            template(platform.machine(), refuse_truncate)


class SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def filter_calls(refuse_truncate: bool, problems: list[str]) -> bool:
    """Install the filter in this process for good. Return whether it worked."""
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        problems.append(f"no system-call filter is written for {machine}")
        return False
    code = program(machine, os.getpid(), refuse_truncate=refuse_truncate)
    fprog = SockFprog(len(code) // 8, code)
    if libc().prctl(PR_SET_SECCOMP, 2, ctypes.byref(fprog), 0, 0) != 0:
        problems.append(f"seccomp: {os.strerror(ctypes.get_errno())}")
        return False
    return True
