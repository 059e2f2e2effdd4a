"""Standard output and standard error of a student's process: ordinary text streams that share one cap.

A script may reconfigure, wrap, detach or close them. What it prints afterwards still arrives, and the cap still holds.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class Cap:
    """Writes to the file that the grader reads: at most `most` bytes per request. It counts and drops the rest.

    It has its own descriptor, so that a script that closes 1 or 2 can still print.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.descriptor = os.dup(2)
        self.restart()

    def restart(self) -> None:
        self.room = self.most
        self.dropped = 0
        self.printed = bytearray()  # to standard output alone, without warnings

    def write(self, data: bytes, number: int) -> None:
        if len(data) > self.room:
            text = data.decode("utf-8", "replace")
            whole = data[: self.room].decode("utf-8", "ignore")  # drops half a character at the end
            self.dropped += len(text) - len(whole)
            data = whole.encode()
            self.room = 0
        else:
            self.room -= len(data)
        if data:
            os.write(self.descriptor, data)
        if number == 1:
            self.printed += data

    def finish(self) -> None:
        """Write how much was dropped."""
        if self.dropped:
            os.write(self.descriptor, f"\n... and {self.dropped} characters more\n".encode())


class Sink(io.BufferedIOBase):
    """`sys.stdout.buffer`: passes bytes to the cap. It never closes, because other code prints to it too."""

    mode = "wb"

    def __init__(self, cap: Cap, number: int) -> None:
        self.cap = cap
        self.number = number

    @property
    def name(self) -> int:
        return self.number

    @property
    def raw(self) -> Any:
        return self

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.number

    def write(self, data: Any) -> int:
        sent = bytes(data)
        self.cap.write(sent, self.number)
        return len(sent)

    def detach(self) -> Any:
        return self

    def close(self) -> None:
        """Stay open."""


class Text(io.TextIOWrapper):
    """`sys.stdout` or `sys.stderr`. It keeps working after it was detached or closed, because other code may use it."""

    mode = "w"

    def __init__(self, cap: Cap, number: int) -> None:
        sink: Any = Sink(cap, number)
        super().__init__(sink, encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=True)

    @property
    def name(self) -> str:
        return {1: "<stdout>", 2: "<stderr>"}[self.fileno()]

    def reconfigure(self, *, errors: str | None = None, **given: Any) -> None:
        super().reconfigure(errors=errors or "backslashreplace", **given)

    def detach(self) -> Any:
        return self.buffer

    def close(self) -> None:
        self.flush()


def take_over(most: int) -> Cap:
    """Replace this process's own streams by capped ones. Return the cap that both share."""
    cap = Cap(most)
    out, err = Text(cap, 1), Text(cap, 2)
    vars(sys).update(stdout=out, stderr=err, __stdout__=out, __stderr__=err)
    return cap
