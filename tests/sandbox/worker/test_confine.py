"""Confinement: what is refused and what still works, the filter's program, and canaries that sing."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from grader.sandbox.worker import canary, confine, seccomp

ROOT = Path(__file__).parents[3]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's own mechanisms")


def confined(code: str, policy: str = "", first: str = "") -> object:
    """What `code` prints as JSON in a process that has confined itself; `first` runs before that."""
    source = f"""
import json, os, sys
sys.path.insert(0, {str(ROOT)!r})
from grader.sandbox.worker import canary, confine
import ctypes, errno, socket, threading, tempfile
os.makedirs("scratch", exist_ok=True)
{first}
read = ("/usr", "/lib", "/lib64", sys.prefix, sys.base_prefix)
held = confine.confine(confine.Policy(read=read, write=(os.path.abspath("scratch"),), {policy}))
{code}
"""
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=folder)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@linux
def test_canaries_are_refused_when_confined_and_sing_when_not(tmp_path):
    found = confined("print(json.dumps([held.line(), canary.line(os.getcwd())]))")
    assert found[0].startswith("fs=landlock")
    assert "none" not in found[0]
    assert found[1] == " verified=9/9"
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
        + "from grader.sandbox.worker.canary import line; print(line('.'))"
    )
    free = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert free.stdout.strip() == "verified=0/9 open=read+list+write+internet+unix+fork+exec+signal+ptrace"


@linux
def test_a_limit_that_is_lower_already_holds():
    """As under `ulimit -v`, for a user who may not raise it."""
    first = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))"
    line, problems = confined("print(json.dumps([held.line(), held.problems]))", first=first)
    assert "memory=as" in line
    assert problems == []


@linux
def test_a_second_thread_is_not_confined_and_so_nothing_is_claimed():
    """What a thread that was there before can do would be anything."""
    first = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    line, problems = confined("print(json.dumps([held.line(), held.problems]))", first=first)
    assert line.startswith("fs=none net=none procs=none signals=none")
    assert problems == ["2 threads ran before it was confined"]


@linux
def test_its_scratch_folder_is_its_own():
    found = confined(
        "open('scratch/file', 'w').write('x')\n"
        "try:\n    open('beside', 'w'); beside = True\nexcept PermissionError:\n    beside = False\n"
        "print(json.dumps([open('scratch/file').read(), beside]))"
    )
    assert found == ["x", False]


@linux
def test_a_granted_file_is_read_and_the_one_beside_it_is_not():
    """A file takes fewer rights than a folder, and the kernel refuses to give it more."""
    first = "[open(name, 'w').write('x') for name in ('granted', 'beside')]; granted = os.path.abspath('granted')"
    found = confined(
        "try:\n    beside = open('beside').read()\nexcept PermissionError:\n    beside = None\n"
        "print(json.dumps([open('granted').read(), beside]))",
        first=first,
        policy="run=(granted,)",
    )
    assert found == ["x", None]


@linux
@pytest.mark.parametrize(
    ("call", "number"),
    [
        ("libc.socket(2, 1, 0)", errno.EPERM),
        ("libc.socket(10, 2, 0)", errno.EPERM),
        ("libc.syscall(435, 0, 0)", errno.ENOSYS),  # clone3
        ("libc.syscall(451, 0)", errno.ENOSYS),  # newer than the table
        ("libc.kill(1, 0)", errno.EPERM),
        ("libc.kill(os.getpid(), 9)", errno.EPERM),
        ("libc.syscall(234, os.getpid(), os.getpid(), 9)", errno.EPERM),  # tgkill
        ("libc.syscall(222, 0, None, ctypes.byref(ctypes.c_int()))", errno.EPERM),  # timer_create
        ("libc.fcntl(1, 5, ctypes.create_string_buffer(64))", errno.EPERM),  # F_GETLK
        ("libc.ptrace(16, os.getppid(), 0, 0)", errno.EPERM),
        ("libc.unshare(0x10000000)", errno.EPERM),
        ("libc.prctl(1, 0, 0, 0, 0)", errno.EPERM),
        ("libc.syscall(425, 8, 0)", errno.EPERM),  # io_uring_setup
        ("libc.prctl(4, 0, 0, 0, 0)", errno.EPERM),  # PR_SET_DUMPABLE
        ("libc.sched_setscheduler(0, 1, ctypes.byref(ctypes.c_int(99)))", errno.EPERM),
        ("libc.fallocate(2, 1, ctypes.c_long(0), ctypes.c_long(1 << 20))", errno.EOPNOTSUPP),
    ],
)
def test_a_call_is_refused_with_its_errno(call, number):
    code = f"libc = ctypes.CDLL(None, use_errno=True)\nprint(json.dumps([{call}, ctypes.get_errno()]))"
    assert confined(code) == [-1, number]


@linux
def test_what_honest_code_needs_still_works():
    code = """
import numpy as np
ran = []
thread = threading.Thread(target=lambda: ran.append(1)); thread.start(); thread.join()
a, b = socket.socketpair()
a.send(b"x")
with tempfile.TemporaryDirectory(dir="scratch") as folder:
    np.save(folder + "/a.npy", np.ones(3)); total = float(np.load(folder + "/a.npy").sum())
os.chmod("scratch", 0o777)
with open("scratch/blocks", "wb") as file:
    os.posix_fallocate(file.fileno(), 0, 1 << 16)
os.sched_setaffinity(0, os.sched_getaffinity(0))
os.kill(os.getpid(), 0)
import fcntl
with open("scratch/locked", "wb") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
print(json.dumps([ran, b.recv(1).decode(), total, float(np.linalg.inv(np.eye(2)).sum())]))
"""
    assert confined(code) == [[1], "x", 3.0, 2.0]


@linux
def test_memory_and_file_size_are_capped():
    code = """
import errno
try:
    bytearray(2 << 30); memory = "granted"
except MemoryError:
    memory = "refused"
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with open("scratch/large", "wb") as file:
        file.write(bytes(3 << 20))
    size = "granted"
except OSError as error:
    size = errno.errorcode[error.errno]
print(json.dumps([memory, size]))
"""
    assert confined(code, "memory=1 << 30, file_size=1 << 20") == ["refused", "EFBIG"]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("truncate", [False, True])
def test_the_filter_is_a_valid_program(machine, truncate):
    """Whole instructions, fewer than the kernel takes, every jump inside, and a return at each end."""
    code = seccomp.program(machine, 4242, refuse_truncate=truncate)
    own, any_ = (pid.to_bytes(4, "little") for pid in (4242, seccomp.ANY_PID))
    assert code.count(own) == seccomp.template(machine, truncate).count(any_) == 4  # kill, tgkill, prlimit, affinity
    assert any_ not in code
    assert len(code) % 8 == 0
    count = len(code) // 8
    assert count < 4096
    for at in range(count):
        kind, yes, no = int.from_bytes(code[8 * at : 8 * at + 2], "little"), code[8 * at + 2], code[8 * at + 3]
        if kind & 7 == 5:
            assert at + 1 + max(yes, no) < count
    assert int.from_bytes(code[-8:-6], "little") == seccomp.RETURN


def test_another_machine_is_told_and_not_guessed():
    with pytest.raises((KeyError, ValueError)):
        seccomp.program("riscv64", 1, refuse_truncate=False)


@linux
def test_a_machine_without_landlock_says_none(monkeypatch):
    monkeypatch.setattr(confine, "landlock_abi", lambda libc: 0)
    problems: list[str] = []
    assert confine.restrict_files(ctypes.CDLL(None), confine.Policy(), problems) == 0
    assert problems == ["the kernel offers no Landlock"]
    assert confine.Held(memory="as").line() == "fs=none net=none procs=none signals=none memory=as"


@linux
def test_nothing_is_claimed_on_another_system(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert canary.escaped(str(tmp_path)) == {}
    assert canary.line(str(tmp_path)) == ""
    assert not os.listdir(tmp_path)  # noqa: PTH208
