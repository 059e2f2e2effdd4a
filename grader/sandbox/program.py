"""Runs a program that parses what a student wrote, behind a reader's walls.

There is no filter of system calls, because it would refuse to start any program. Landlock allows reading libraries.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress

from grader.sandbox.readable import readable
from grader.sandbox.worker import confine, seccomp

PRINTED = 64 << 10  # bytes
LOADERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")  # what loads a program is run as well


def run(command: Sequence[str], text: str, *, seconds: int, memory: int) -> tuple[int, str]:
    """A program's exit code and what it prints of a text, up to PRINTED bytes; one that prints more is ended. `memory`
    are bytes of address space. Raises SubprocessError for one that takes longer, and OSError."""
    libraries = readable(())

    def hold() -> None:
        enclose(command[0], libraries, seconds, memory)

    with tempfile.TemporaryFile() as printed:
        done = subprocess.run(
            command, input=text.encode("utf-8", "replace"), stdout=printed, stderr=subprocess.DEVNULL, check=False,
            timeout=seconds, cwd=os.sep, env={"PATH": os.defpath}, preexec_fn=hold if os.name == "posix" else None,
        )  # fmt: skip
        printed.seek(0)
        return done.returncode, printed.read(PRINTED).decode("utf-8", "replace")


def enclose(program: str, libraries: tuple[tuple[str, ...], tuple[str, ...]], seconds: int, memory: int) -> None:
    """In the child that becomes the program."""
    import resource

    for name, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, PRINTED),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(ValueError, OSError):  # less is allowed already
            resource.setrlimit(name, (most, most))
    if sys.platform.startswith("linux"):
        libc = seccomp.libc()
        libc.prctl(confine.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        programs = tuple({os.path.realpath(path) for path in (program, *LOADERS)})
        confine.restrict_files(libc, confine.Policy(read=libraries[0], list=libraries[1], run=programs), [])
