"""Answers callbacks: the student's code calls functions that a check passed as arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from opcode import opmap
from typing import Any, Protocol

from grader.errors import Crashed, Mismatch, Raised, StudentError, UsageError
from grader.sandbox.remote import Remote
from grader.sandbox.replies import arriving, fits
from grader.sandbox.travelling import travelling
from grader.sandbox.worker.wire import Handle

RAISE = opmap["RAISE_VARARGS"]
AFTERWARDS = 100  # further callbacks that are refused before the process is ended
MOST_ANSWERS = 10_000  # callbacks that the student's code may make during one call


class Calling(Protocol):
    """Whose student's code calls: a Session."""

    callbacks: dict[int, Callable[..., Any]]
    answering: str

    def callback(self, number: int) -> Callable[..., Any] | None:
        """The function that the student's code may call under that number, if there is one."""

    def remote(self, handle: Handle) -> Remote:
        """The Remote of an object in the student's process."""


def is_raised(error: BaseException) -> bool:
    """Whether a `raise` statement raised it, not an argument that its function cannot use."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code.co_code[trace.tb_lasti] == RAISE


class Answering:
    """Answers callbacks during one call: the student's code calls functions that the check passed as arguments.

    What such a function raises by a `raise` statement is raised in the student's code, too. `error` is the verdict
    where it broke or asserted. It ends the check after the call.
    """

    def __init__(self, session: Calling, subject: str) -> None:
        self.session, self.subject = session, subject
        self.error: StudentError | UsageError | None = None
        self.count = 0

    def __call__(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The frame to send back. Raises Crashed for a malformed question."""
        self.count += 1
        number, args, named = asked.get("callback"), asked.get("args"), asked.get("named")
        function = self.session.callback(number) if type(number) is int else None
        if function is None or type(args) is not tuple or type(named) is not dict or not all(map(fits, named)):
            raise Crashed(f"{self.subject} broke the grader's channel: it called a function that it was not given")
        name = getattr(function, "__name__", "function").replace("<lambda>", "a function that it was given")
        if self.count > MOST_ANSWERS + AFTERWARDS:
            raise Crashed(f"{self.subject} kept calling {name} after it was refused")
        if self.error is None and self.count > MOST_ANSWERS:
            self.error = Mismatch(
                f"{self.subject} called {name} more than {MOST_ANSWERS} times: does a loop never end?"
            )
        if self.error is not None:
            return {"refused": self.error.args[0]}
        return self.call(function, name, args, named)

    def call(
        self, function: Callable[..., Any], name: str, args: tuple[Any, ...], named: dict[str, Any]
    ) -> dict[str, Any]:
        """The frame to send back: what the check's function returns, what it raises by a `raise` statement, or why it
        is refused. If it is refused, `error` is the verdict."""
        remote = self.session.remote
        self.session.answering = name
        try:
            value = function(*arriving(args, remote), **arriving(named, remote))
            return {"returned": travelling(value, self.session.callbacks)}
        except (StudentError, UsageError) as error:
            self.error = error
        except AssertionError as error:
            said = f": {error}" if error.args else ", and what it asserts does not hold"
            self.error = Mismatch(f"{self.subject} called {name}{said}"[:500])
        except Exception as error:
            if is_raised(error):
                return {"raised": (type(error).__name__, str(error)[:500])}
            told = str(error).removeprefix(f"{getattr(function, '__qualname__', '')}() ")  # no path of the check's
            self.error = Raised(
                f"{self.subject} called {name} with arguments that it does not take: {type(error).__name__}: {told}"[
                    :500
                ]
            )
        finally:
            self.session.answering = ""
        return {"refused": str(self.error)}
