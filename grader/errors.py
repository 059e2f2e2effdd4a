"""The exception tree. Who is at fault is the first fork, because that decides who pays.

    BackgradeError
    ├── UsageError            the command, a file or a rubric is wrong: one sentence, exit code 2
    │   ├── RubricError       rubric.yaml, with the line
    │   └── SubmissionError   a folder or archive that cannot be read as a submission
    ├── Skipped               SKIPPED: what a check needs is not on this machine; no points either way
    │   ├── Undecided         SKIPPED: a person has to say first which file counts; the points wait
    │   └── Unrecorded        SKIPPED: the reference is not here, and its recording has no answer to this question
    └── StudentError          what the student's code did; each carries its verdict
        ├── Mismatch          FAIL: an answer that is not the right one
        ├── Partly            PARTIAL: right in part; carries the fraction that is earned
        ├── NotImplementedYet NOT_IMPLEMENTED: the stub's None, or NotImplementedError
        ├── Raised            RAISED: an exception, a file that cannot be imported, an answer of the wrong kind
        ├── TimedOut          TIMEOUT: over its CPU or wall seconds
        ├── OutOfMemory       MEMORY: over its bytes
        ├── Crashed           CRASH: the process ended, or stopped speaking the protocol
        └── Denied            DENIED: tried what is forbidden

Anything else that escapes a check is a fault of ours: the verdict INTERNAL. The worker, which imports nothing of ours,
has two of its own: `wire.FrameError` and `imports.Forbidden`.
"""

from grader.model import Verdict


class BackgradeError(Exception):
    """Base of everything raised on purpose."""


class UsageError(BackgradeError):
    """The user can cure this; the message says how."""


class RubricError(UsageError):
    """A mistake in a rubric. `str()` is "rubric.yaml:LINE: sentence"."""


class SubmissionError(UsageError):
    """A submission that cannot be read; names the file and the cure."""


class Skipped(BackgradeError):
    """A check that cannot be made here; the message says what is missing, and the cure."""


class Undecided(Skipped):
    """A person must answer a question before this check can be graded; the message is the question."""


class Unrecorded(Skipped):
    """Where the reference is not here, a question that its recording has no answer to."""


class StudentError(BackgradeError):
    """What the student's code did.

    `where` is the student's own frame as "network.py:31", or "" when none is known.
    """

    verdict = Verdict.FAIL
    fraction = 0.0

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
