"""The exception tree. It first asks whose fault it is, because that decides whether the student loses points.

    BackgradeError
    ├── UsageError            the command, a file or a rubric is wrong: one sentence, exit code 2
    │   ├── UnsendableError   a check gives the student's code what cannot be sent to it
    │   ├── RubricError       a mistake in rubric.yaml, with its line
    │   └── SubmissionError   a folder or archive that cannot be read as a submission
    ├── Skipped               SKIPPED: this machine lacks what a check needs; no points are earned or lost
    │   ├── Undecided         SKIPPED: a person must first say which file counts; the points wait
    │   └── Unrecorded        SKIPPED: the reference is not here, and its recording has no answer to this question
    └── StudentError          what the student's code did; each class has its verdict
        ├── Mismatch          FAIL: a wrong answer
        ├── Partly            PARTIAL: partly right; carries the fraction that is earned
        ├── NotImplementedYet NOT_IMPLEMENTED: the stub's None, or NotImplementedError
        ├── Raised            RAISED: an exception, a file that cannot be imported, an answer of the wrong kind
        ├── TimedOut          TIMEOUT: the CPU or wall time limit is exceeded
        ├── OutOfMemory       MEMORY: the memory limit is exceeded
        ├── Crashed           CRASH: the process ended, or broke the protocol
        └── Denied            DENIED: the code tried something forbidden

Any other exception that leaves a check is a bug in the grader: the verdict INTERNAL. The worker imports nothing from
here. It has its own two exceptions: `wire.FrameError` and `imports.Forbidden`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grader.model import Verdict


class BackgradeError(Exception):
    """Base class of every exception that is raised on purpose."""


class UsageError(BackgradeError):
    """The user can fix this; the message says how."""


class UnsendableError(UsageError):
    """A check gives the student's code what cannot be sent to it."""


class RubricError(UsageError):
    """A mistake in a rubric. `str()` is "rubric.yaml:LINE: sentence"."""


class SubmissionError(UsageError):
    """A submission that cannot be read; the message names the file and the fix."""


class Skipped(BackgradeError):
    """This check cannot run on this machine; the message says what is missing and how to fix it."""


class Undecided(Skipped):
    """A person must answer a question before this check can be graded; the message is the question."""


class Unrecorded(Skipped):
    """Where the reference is not here, a question that its recording has no answer to."""


@dataclass(frozen=True, eq=False)
class Wrong:
    """A student's answer, or a part of it; what was expected (None if it is only known to be no answer of the right
    kind); and by how much an entry may be off: `atol` + `rtol` * |expected|. `part` is its place in the answers that it
    was gathered from: (1, 0) is answer[1][0]."""

    yours: Any
    expected: Any = None
    atol: float = 0.0
    rtol: float = 0.0
    part: tuple[int, ...] = ()


class StudentError(BackgradeError):
    """What the student's code did.

    `where` is the line in the student's file, as "network.py:31", or "" if it is not known. `wrong` is the answer that
    is wrong, if one is. `elsewhere`: the message blames other work than what was asked. `kinds` names the classes of
    the exception that the code raised, the nearest first: "KeyError", or "module.Own" for one that is not Python's.
    """

    verdict = Verdict.FAIL
    fraction = 0.0
    wrong: Wrong | None = None
    elsewhere = False
    kinds: tuple[str, ...] = ()

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where


class Mismatch(StudentError):
    verdict = Verdict.FAIL


class Partly(StudentError):
    verdict = Verdict.PARTIAL

    def __init__(self, message: str, fraction: float) -> None:
        super().__init__(message)
        self.fraction = fraction


class NotImplementedYet(StudentError):
    verdict = Verdict.NOT_IMPLEMENTED


class Raised(StudentError):
    verdict = Verdict.RAISED


class TimedOut(StudentError):
    verdict = Verdict.TIMEOUT


class OutOfMemory(StudentError):
    verdict = Verdict.MEMORY


class Crashed(StudentError):
    verdict = Verdict.CRASH


class Denied(StudentError):
    verdict = Verdict.DENIED
