"""Fails a test whose code never ends, however busy the machine is."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def expect_end(cpu: float = 60.0) -> Iterator[None]:
    """Raise AssertionError once this process has computed for `cpu` seconds. The faults that this finds take hours."""
    if not hasattr(signal, "SIGPROF"):
        yield
        return

    def late(number: int, frame: object) -> None:
        raise AssertionError(f"it has computed for {cpu:g} s and has not ended")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, cpu)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
