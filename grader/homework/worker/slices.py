"""Runs a function in slices: it pauses where it calls `rest`, and goes on when the next value is requested."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue

WALL = 2  # seconds on the clock for each CPU second of a slice


class Stop(BaseException):
    """Ends a function at its current `rest`."""


def resting(function: Callable[[Callable[[bool], None]], None]) -> Iterator[bool]:
    """`function(rest)` as an iterator. The function runs in its own thread; `rest(value)` yields a value and waits
    until the next one is requested. Its exceptions are raised here."""
    values: SimpleQueue[tuple[bool | None, BaseException | None]] = SimpleQueue()
    orders: SimpleQueue[bool] = SimpleQueue()

    def rest(value: bool) -> None:
        values.put((value, None))
        if not orders.get():
            raise Stop

    def body() -> None:
        try:
            function(rest)
            values.put((None, None))
        except BaseException as error:
            values.put((None, error))

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        while True:
            value, error = values.get()
            if error is not None:
                raise error
            if value is None:
                return
            yield value
            orders.put(True)
    finally:
        orders.put(False)
        thread.join(1.0)  # a thread that swallows Stop waits forever in its next step
