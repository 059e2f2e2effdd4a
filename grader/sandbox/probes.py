"""Tests each property of the sandbox on this machine, with code that tries to break it.

The probes run in their own worker, as a student's code would, and try each forbidden act. What the kernel reported when
confinement began is shown too, but only the probes decide.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grader.errors import Crashed, OutOfMemory, Raised, StudentError, TimedOut
from grader.model import Limits, Section, Submission
from grader.sandbox.allowance import Allowance
from grader.sandbox.launch import Launch
from grader.sandbox.required import ACTS, REQUIRED, properties, required
from grader.sandbox.session import Session

HINT = "grade on Linux; a container or a virtual machine will do"

LIMITS = Limits(call_cpu=1.0, call_wall=3.0, check_wall=30.0, memory=1 << 30, output=1000)
SECTION = Section("numpy", {"probe": "probe/probe.py"}, ("probe.py",), forbid=("torch", "colorsys"))
PROBE = b"""
import os, sys

def environment():
    return sorted(os.environ)

def descriptors():
    return sorted(int(name) for name in os.listdir("/proc/self/fd"))

def threads():
    return len(os.listdir("/proc/self/task"))

def memory():
    return len(bytearray(4 << 30))

def loop():
    while True:
        pass

def file():
    with open("large", "wb") as out:
        for _ in range(100):
            out.write(bytes(1 << 20))

def files():
    for n in range(8):
        with open(f"large{n}", "wb") as out:
            out.write(bytes(48 << 20))

def library():
    import colorsys

def path():
    return [entry for entry in sys.path if "grader" in entry or "reference" in entry]
"""
CLEAN = re.compile(
    r"PATH|HOME|USER|LOGNAME|USERNAME|TMPDIR|MPL\w+|PYTHON(HASHSEED|DONTWRITEBYTECODE|BREAKPOINT)|LC_(ALL|CTYPE)|"
    r"\w+_(NUM|MAXIMUM)_THREADS|SYSTEMROOT|TEMP|TMP|USERPROFILE"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One property: whether it holds, what was found, and the cure if it does not hold."""

    name: str
    holds: bool
    found: str
    cure: str = ""


def examine(launch: Launch) -> tuple[Finding, ...]:
    """Try every property. This takes a few seconds, because an endless loop has to hit its limit."""
    submission = Submission("probe", {"probe.py": PROBE}, {}, "")
    with Session(SECTION, submission, {}, LIMITS, launch(SECTION)) as session:
        session.begin(0)
        first = tuple(probes(session))
        return (*by_property(session.held), *first)


def by_property(held: str) -> Iterator[Finding]:
    missing = required(held)
    named = properties(held)
    for name, (meaning, cure) in REQUIRED.items():
        bad = any(f"({name})" in sentence for sentence in missing)
        tried = f", {', '.join(ACTS[name])} tried" if name in ACTS and "verified" in named else ""
        yield Finding(meaning, not bad, f"{named.get(name, 'none')}{tried}", f"needs {cure}; {HINT}" if bad else "")


def probes(session: Session) -> Iterator[Finding]:
    yield ended(session, "memory", OutOfMemory, "an allocation of 4 GiB is refused")
    yield ended(session, "loop", TimedOut, "a loop without end is stopped")
    yield ended(session, "file", Raised, "a single file ends at 64 MiB")
    yield ended(session, "files", Crashed, "its folder cannot fill the disk")
    yield ended(session, "library", StudentError, "a forbidden library cannot be imported")
    yield told(session, "environment", "its environment holds nothing of yours", lambda names: odd(names, CLEAN))
    yield told(session, "path", "neither the grader nor the solution is on its path", lambda paths: odd(paths, None))
    if platform.system() == "Linux":
        yield told(session, "threads", "one thread for arithmetic", lambda n: "" if n == 1 else f"{n} threads")
        # 7 are expected: 0, 1, 2, the two ends of the channel, the worker's copy of stderr, and the listing's own
        yield told(session, "descriptors", "no file of yours is open in it", lambda ns: odd(ns[7:], None))


def told(session: Session, probe: str, name: str, wrong: Callable[[Any], str]) -> Finding:
    """Judge a property by a probe's answer; `wrong` says what is wrong with the answer, or ""."""
    session.begin(0)
    try:
        found = wrong(session.ask("call", "probe", (probe,), [()])[0])
    except StudentError as error:
        found = error.message
    return Finding(name, not found, found or "clean", HINT if found else "")


def odd(names: Sequence[Any], expected: re.Pattern[str] | None) -> str:
    return ", ".join(str(name) for name in names if expected is None or not expected.fullmatch(str(name)))


def ended(session: Session, probe: str, end: type[StudentError], name: str) -> Finding:
    """Judge a property by how a probe ends: it must end with the error `end`."""
    session.begin(0)
    session.allowance = Allowance(LIMITS)  # none of these takes the time of the next
    try:
        session.ask("call", "probe", (probe,), [()])
    except end as error:
        return Finding(name, True, error.verdict.value)
    except StudentError as error:
        return Finding(name, False, f"{error.verdict.value}: {error.message}", HINT)
    return Finding(name, False, "nothing stopped it", HINT)


def versions() -> dict[str, str]:
    """The installed versions of the packages that the grader or a homework imports."""
    from importlib import metadata

    found = {"python": platform.python_version(), "system": platform.platform(terse=True)}
    for name in ("numpy", "matplotlib", "pillow", "torch", "torchvision"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
