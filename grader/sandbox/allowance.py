"""What one submission may use in all of its processes. What was stopped is not tried again.

The first call that is stopped had the whole limit. Each later call gets a third of the limit, divided by the number of
stopped calls. Work that is twenty times slower than the reference needs less than that. A driver's run may be silent
for longer than a call. A function that filled its memory is tried again, because its next inputs may be smaller, but
with the least time.

A function that raises late may end well for other inputs. So it is tried again until all such calls together have used
FAILING, and always if it has ended well once. After that, functions that never ended well get less time, as after a
stop. Two other kinds of calls count as late: one whose answer takes the grader long to read, and one that ends its
process, because the next process has to import everything again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from grader.errors import Crashed, OutOfMemory, StudentError, TimedOut
from grader.model import Limits
from grader.sandbox.idle import PATIENCE
from grader.sandbox.process import Process

AGAIN = 0.3  # of the limit, once something was stopped
LEAST_CALL, LEAST_IMPORT = 0.25, 1.0  # CPU seconds that nothing gets less than, unless the limit is less
RUN = 2  # times the limit of a call, for which a run may give no sign of life
LEAST_WAIT = 0.3  # seconds of waiting
WAITING = 10.0  # seconds on the clock for which the calls of a submission may wait in all, each a little
BESIDE = 6.0  # CPU seconds that threads of a submission may use in all beside its calls, and between them
LATE = 0.03  # CPU seconds of a call that raises late
FAILING = 1 / 15  # of the submission's CPU seconds, for all of these; then a function that raised late has had its try
IMPORTS = 1 / 8  # of the submission's CPU seconds, for what it imports, and again where it ended its own process
TOGETHER = 2  # calls of one round trip that have a call's time each; more share it


@dataclass
class Allowance:
    """What is left to one submission, and what of it was stopped. A call's name is its owner and its subject."""

    limits: Limits
    # Seconds that are left, outside of training
    cpu: float = 0.0
    wall: float = 0.0
    waiting: float = WAITING
    beside: float = BESIDE
    failing: float = 0.0
    importing: float = 0.0
    # What was stopped, each with how it ended then
    files: dict[str, StudentError] = field(default_factory=dict)  # while they were imported; by path in the handout
    calls: dict[tuple[str, ...], StudentError] = field(default_factory=dict)
    filled: dict[tuple[str, ...], StudentError] = field(default_factory=dict)  # calls that used up memory, and time
    late: dict[tuple[str, ...], StudentError] = field(default_factory=dict)  # those that raised late; see above
    ended: set[tuple[str, ...]] = field(default_factory=set)  # those that have ended well once
    runs: int = 0  # how many runs were stopped
    earlier: int = 0  # how many calls, files and runs were stopped in an earlier session
    hung: int = 0  # how many of these were files
    used_up: bool = False  # whether something was not tried because no time was left

    def __post_init__(self) -> None:
        self.cpu, self.wall = self.limits.submission_cpu, self.limits.submission_wall
        self.failing, self.importing = FAILING * self.cpu, IMPORTS * self.cpu

    def for_again(self) -> Allowance:
        """What is left for work that is graded again in other sessions. What is stopped there is noted there alone."""
        rest = Allowance(self.limits, earlier=self.stopped, hung=len(self.files) + self.hung)
        rest.cpu, rest.wall, rest.waiting, rest.beside = self.cpu, self.wall, self.waiting, self.beside
        rest.failing, rest.importing = self.failing, self.importing
        return rest

    @property
    def stopped(self) -> int:
        """How many calls, imports and runs were stopped, here and earlier."""
        return len(self.calls.keys() | self.filled.keys()) + len(self.files) + self.runs + self.earlier

    def expect_left(self, subject: str, *, importing: bool = False) -> None:
        """Raise TimedOut, and set `used_up`, if the submission's time is used up."""
        imports = IMPORTS * self.limits.submission_cpu
        for left, limit, unit in (
            *([(self.importing, imports, "processor time of imports")] if importing else []),
            (self.cpu, self.limits.submission_cpu, "processor time"),
            (self.wall, self.limits.submission_wall, "time on the clock"),
            (self.waiting, WAITING, "waiting without computing"),
            (self.beside, BESIDE, "processor time of threads beside the calls"),
        ):
            if left <= 0:
                self.used_up = True
                raise TimedOut(f"{subject} was not tried: the {limit:g} s of {unit} for this submission were used up")

    def expect_ended(self, name: Sequence[str]) -> None:
        """Raise the error of an earlier call again, if that was stopped or raised late once too often."""
        if error := self.calls.get(tuple(name)):
            raise type(error)(f"{error.message}; it is not tried again", where=error.where)
        if self.failing <= 0 and (error := self.late.get(tuple(name))):
            raise as_verdict(error, f"{error.message}; it is not tried again")

    def expect_imported(self, path: str) -> None:
        """Raise the error of an earlier import again, if that was stopped."""
        if error := self.files.get(path):
            raise type(error)(error.message, where=error.where)

    def note(self, name: tuple[str, ...], error: StudentError, spent: float, *, run: bool) -> StudentError:
        """Keep how a call, or a request to a `run`, ended after `spent` CPU seconds. Of a run only the number is kept:
        the next request of that name may end well. Returns the error to raise: if the call ran out of time now and
        filled its memory before, the earlier one."""
        if isinstance(error, TimedOut) and run:
            self.runs += 1
        elif isinstance(error, TimedOut):
            if first := self.filled.get(name):
                error = type(first)(first.message, where=first.where)
            self.calls[name] = error
        elif isinstance(error, OutOfMemory) and not run and spent > LEAST_CALL:
            self.filled.setdefault(name, error)
        elif not run and name not in self.ended and (spent > LATE or isinstance(error, Crashed)):
            self.late.setdefault(name, error)
            self.failing -= spent
        return error

    def note_import(self, spent: float, *, again: bool) -> None:
        """Take off what an import used. With `again`, a call had ended the process that held the module."""
        self.importing -= spent
        if again and spent > LATE:
            self.failing -= spent

    def for_calls(self, name: tuple[str, ...], count: int, *, run: bool = False) -> float:
        """CPU seconds for the next calls, `count` in one round trip. Until a function has ended well once, they share
        one call's. A run loses nothing for what an earlier session stopped: its steps may be long, and right."""
        if name in self.filled:
            return min(LEAST_CALL, self.limits.call_cpu)
        stopped = self.stopped - (self.earlier if run else 0)
        if self.failing <= 0 and not run and name not in self.ended:
            stopped += len(self.late)  # they have used up the time for calls that raise late
        limit = self.limits.call_cpu * (RUN if run else 1)
        each = self.cut(AGAIN / stopped, LEAST_CALL) if stopped else limit
        return each * (min(count, TOGETHER) if name in self.ended else 1)

    def for_import(self) -> float:
        """CPU seconds for the next import of a file that has not been imported yet."""
        hung = len(self.files) + self.hung
        return self.cut(AGAIN / hung, LEAST_IMPORT) if hung else self.limits.call_cpu

    def may_wait(self) -> float:
        """Seconds for which the next call may wait instead of computing."""
        return max(PATIENCE / (1 + self.stopped), LEAST_WAIT)

    def cut(self, share: float, least: float) -> float:
        return min(self.limits.call_cpu, max(least, share * self.limits.call_cpu))

    @contextmanager
    def spending(self, process: Process) -> Iterator[None]:
        """Take off what the process uses in this block."""
        before, waited, began = process.quick_clock(), process.waited, time.monotonic()
        try:
            yield
            if not process.driven:  # after a call that was stopped, the threads are gone
                beside = process.beside()
                self.beside -= max(0.0, beside - process.charged)
                process.charged = beside
        finally:
            wall, cpu = time.monotonic() - began, process.quick_clock() - before
            self.wall -= wall
            self.waiting -= process.waited - waited
            self.cpu -= cpu if cpu >= 0 else wall  # of a process that is gone, nobody can tell any more


def as_verdict(error: StudentError, message: str) -> StudentError:
    """An error with the same verdict, which no check can take for the exception that a call has to raise."""
    again = StudentError(message, where=error.where)
    again.verdict = error.verdict
    return again
