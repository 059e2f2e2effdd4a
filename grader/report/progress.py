"""Shows how far long work is: live on a terminal, elsewhere by a line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from rich.console import ConsoleRenderable
from rich.live import Live
from rich.text import Text

from grader.report.text import Terminal

PAUSE, GLANCE = 5.0, 0.25  # seconds between two lines, and between two changes of what a terminal shows


@contextmanager
def live(
    told: Callable[[Any], str], view: Callable[[Any], ConsoleRenderable] | None = None
) -> Iterator[Callable[[Any], None]]:
    """Yield a function to call with the state of the work, as often as one likes. Until the work ends, a terminal shows
    the `view` of the state, or else what is `told` of it. Elsewhere, short work prints no line. No thread is started,
    because a process that is forked meanwhile would hold the thread's locks."""
    console, last = Terminal(stderr=True), time.monotonic()

    def show(now: Any) -> None:
        nonlocal last
        if time.monotonic() - last < (GLANCE if shown else PAUSE):
            return
        last = time.monotonic()
        if shown:
            shown.update(view(now) if view else Text(told(now)), refresh=True)
        else:
            console.print(Text(told(now)), soft_wrap=True)

    with Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else nullcontext() as shown:
        yield show
