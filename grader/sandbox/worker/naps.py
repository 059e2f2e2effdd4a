"""`time.sleep` in a student's process, cut short, because nobody is there to watch.

Work that is right and sleeps now and then is still graded: sleeps of up to `left` seconds in all are cut short. Longer
ones are slept in full, and the grader sees that the process does not compute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

REAL = 0.5  # seconds that are slept before naps are cut short: threads of the student's have time to start meanwhile
IN_ALL = 3.0  # seconds of these in one process
SHORT, SHORTEST = 0.01, 0.001  # most seconds of a nap that is cut short, before and after these
PART = 50  # a nap is cut to this part of it: many short ones, as in plt.pause(5), are one long one


class Naps:
    def __init__(self, left: float, before_sleep: Callable[[], None] = lambda: None) -> None:
        self.spare = IN_ALL
        self.allow(left)
        self.slept, self.before_sleep = time.sleep, before_sleep

    def allow(self, left: float) -> None:
        """From now on, naps of so many seconds in all are cut short."""
        self.left, self.real = left, min(REAL, self.spare)

    def sleep(self, seconds: Any, /) -> None:
        """Take the place of `time.sleep`."""
        if isinstance(seconds, int | float) and 0 < seconds <= self.left:
            self.left -= seconds
            short = min(SHORT if self.spare > 0 else SHORTEST, seconds / PART)
            seconds = min(seconds, max(self.real, short))
            self.real -= seconds
            self.spare -= seconds
        else:
            self.before_sleep()
        self.slept(seconds)


def prepare(left: float, before_sleep: Callable[[], None]) -> Naps:
    """Replace `time.sleep` in this process for good. `before_sleep` is called before a sleep that is not cut short."""
    naps = Naps(left, before_sleep)
    time.sleep = naps.sleep
    return naps
