"""Carries frames to a worker and back, one reply for each request, so that the grader never hangs in a read or write.

Unasked data from a hostile worker fills the worker's pipe, never the grader's memory.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import threading
import time
from typing import Any, Protocol

import numpy as np

from grader.sandbox.launch import Child
from grader.sandbox.worker.wire import HEAD, FrameError, counted, ends_early, receive, size_of

FAULTS = (EOFError, FrameError, OSError, MemoryError)  # what a channel gives in place of a reply
PIECE = 1 << 20  # bytes of one read or write
PIPE = 1 << 20  # bytes that a pipe holds: what fits is written at once, and nobody is woken for each part of it
TURN = 64  # reads between two looks at the clock


class Channel(Protocol):
    """`due` tells whether a request is with the worker as a whole, and its reply is not here as a whole. `taken` is how
    many bytes came in all, and `values` of how many values the replies are made."""

    due: bool
    taken: int
    values: int

    def send(self, data: bytes, most: int) -> None:
        """Send a frame that gets one reply, of at most `most` bytes. Never waits."""

    def receive(self, seconds: float) -> Any:
        """The next reply, or one of FAULTS. Raises TimeoutError if it is not here within `seconds`."""

    def close(self) -> None:
        """Close both ends of ours; the process is gone."""


def opened(child: Child) -> Channel:
    """The channel of a worker."""
    return Piped(child) if hasattr(select, "poll") else Threaded(child)


class Piped:
    """Reads and writes pipes that do not block. Waiting is left to poll(2)."""

    def __init__(self, child: Child) -> None:
        self.due = False
        self.taken = self.values = 0
        self.streams = child.stdin, child.stdout
        self.into, self.out = child.stdin.fileno(), child.stdout.fileno()
        self.unsent = memoryview(b"")
        self.most = 0
        self.inside = False  # whether the head is here, and the rest of the reply comes now
        self.expect(HEAD)
        self.writable, self.readable = select.poll(), select.poll()
        self.writable.register(self.into, select.POLLOUT)
        self.readable.register(self.out, select.POLLIN)
        for number in (self.into, self.out):
            os.set_blocking(number, False)
            enlarge(number)

    def send(self, data: bytes, most: int) -> None:
        self.unsent, self.most = memoryview(data), most
        with contextlib.suppress(OSError):  # told by `receive`
            self.write()

    def write(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                self.unsent = self.unsent[os.write(self.into, self.unsent[:PIECE]) :]
        self.due = not self.unsent

    def receive(self, seconds: float) -> Any:
        end = time.monotonic() + seconds
        try:
            while True:
                wanted = self.writable if self.unsent else self.readable
                if not wanted.poll(max(0.0, 1000 * (end - time.monotonic()))):
                    raise TimeoutError
                if self.unsent:
                    self.write()
                elif self.read():
                    return self.reply()
                if time.monotonic() >= end:  # a part of it comes every time
                    raise TimeoutError
        except TimeoutError:
            raise
        except FAULTS as error:
            self.due = False
            return error

    def expect(self, size: int) -> None:
        """A part of the reply comes now: its head, or the rest. It takes no memory before it comes."""
        self.part, self.filled = np.empty(size, np.uint8).data, 0

    def read(self) -> bool:
        """Take some of what is there of the reply. Returns whether it is whole. Raises as `wire.receive`."""
        for _ in range(TURN):
            try:
                count = os.readv(self.out, [self.part[self.filled :]])
            except BlockingIOError:
                return False
            if not count and not self.filled and not self.inside:
                raise EOFError
            if not count:
                raise ends_early(len(self.part) - self.filled, inside=self.inside)
            self.filled += count
            self.taken += count
            if self.filled < len(self.part):
                continue
            if self.inside:
                return True
            self.inside = True
            self.expect(size_of(bytes(self.part), self.most))
        return False

    def reply(self) -> Any:
        data, self.inside, self.due = self.part, False, False
        self.expect(HEAD)
        reply, values = counted(data)
        self.values += values
        return reply

    def close(self) -> None:
        shut(self.streams)


class Threaded:
    """Where a pipe cannot be waited for (Windows), another thread reads and writes it."""

    def __init__(self, child: Child) -> None:
        self.due = False
        self.taken = self.values = 0
        self.streams = child.stdin, child.stdout
        self.requests: queue.SimpleQueue[tuple[bytes, int] | None] = queue.SimpleQueue()
        self.replies: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.talker = threading.Thread(target=self.talk, daemon=True)
        self.talker.start()

    def talk(self) -> None:
        """Carry frames until there is nothing more to send or the worker is gone; then close the channel."""
        into, out = self.streams
        try:
            while (request := self.requests.get()) is not None:
                data, most = request
                into.write(data)
                into.flush()
                self.due = True
                data = receive(out, most)
                self.due = False
                self.taken += HEAD + len(data)
                reply, values = counted(data)
                self.values += values
                self.replies.put(reply)
        except FAULTS as error:
            self.replies.put(error)
        finally:
            shut(self.streams)

    def send(self, data: bytes, most: int) -> None:
        self.requests.put((data, most))

    def receive(self, seconds: float) -> Any:
        try:
            return self.replies.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None

    def close(self) -> None:
        self.requests.put(None)
        self.talker.join(1.0)


def enlarge(pipe: int) -> None:
    """Have a pipe hold PIPE bytes, as far as the system lets this user have so much."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl  # not on Windows

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def shut(streams: Any) -> None:
    for stream in streams:
        with contextlib.suppress(OSError):  # unsent bytes for a process that is gone
            stream.close()
