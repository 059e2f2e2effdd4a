"""A run of a driver in the student's process."""

from __future__ import annotations

import math
from typing import Any

from grader.sandbox.asking import Asking
from grader.sandbox.worker.wire import MAX_FRAME, Handle


class Driven:
    """A run of a driver in the student's process. Sentences about the run begin with `subject`."""

    def __init__(self, session: Asking, handle: Handle, subject: str) -> None:
        self._session = session
        self._handle = handle
        self._subject = subject
        self._began, self._delayed = session.used(), session.delayed()

    def advance(self, seconds: float) -> Any:
        """Run for up to `seconds` more of CPU, or until the run pauses by itself; return what it says."""
        return self.tell("advance", float(seconds), seconds=seconds)

    def tell(self, what: str, *args: Any, seconds: float = 0.0, silent: float = math.inf, subject: str = "") -> Any:
        """Call another method of the paused run, which answers within `seconds` of CPU. If it does not, it is stopped
        `silent` seconds later, or after those of a call if these are fewer."""
        return self._session.ask(
            "call",
            self._handle,
            (what,),
            [args],
            subject=subject or self._subject,
            run_cpu=seconds,
            silent=silent,
            most_bytes=MAX_FRAME,
        )[0]

    def used(self) -> float:
        """CPU seconds so far, as the system counts them."""
        return max(0.0, self._session.used() - self._began)

    def answered(self) -> float:
        """Seconds so far in which the grader answered it; see sandbox/parts.py."""
        return self._session.answered()

    def waited(self) -> float:
        """Seconds in which it did not compute, as far as was seen."""
        return self._session.waited()

    def delayed(self) -> float:
        """Seconds so far in which it wanted to compute and a busy machine did not let it."""
        return max(0.0, self._session.delayed() - self._delayed)
