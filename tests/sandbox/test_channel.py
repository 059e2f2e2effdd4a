"""Frames to a worker and back, through pipes whose other end is hostile."""

from __future__ import annotations

import importlib
import os
import struct
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from grader.sandbox import channel
from grader.sandbox.worker.wire import FrameError, TooLargeError, decode, frame

fcntl: Any = None if sys.platform == "win32" else importlib.import_module("fcntl")
KINDS = [channel.Threaded, *([channel.Piped] if hasattr(channel.select, "poll") else [])]
MOST = 1 << 20


class Bench:
    """A channel, and the two ends that a worker would hold."""

    def __init__(self, kind) -> None:
        self.into, ours_in = os.pipe()
        ours_out, self.out = os.pipe()
        self.channel = kind(SimpleNamespace(stdin=os.fdopen(ours_in, "wb"), stdout=os.fdopen(ours_out, "rb")))

    def end(self) -> None:
        for number in (self.into, self.out):
            os.close(number)
        self.channel.close()


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def bench(request):
    made = Bench(request.param)
    yield made
    made.end()


def test_a_request_goes_out_and_its_reply_comes_in(bench):
    for number in range(3):
        bench.channel.send(frame({"id": number}), MOST)
        asked = os.read(bench.into, 1 << 16)
        assert decode(asked[8:]) == {"id": number}
        os.write(bench.out, frame(["answer", number]))
        assert bench.channel.receive(5) == ["answer", number]
        assert not bench.channel.due


def test_a_reply_in_pieces_is_waited_for_and_kept_between_two_looks(bench):
    bench.channel.send(frame(1), MOST)
    data = frame("x" * 100)
    for at in range(0, len(data) - 30, 30):
        os.write(bench.out, data[at : at + 30])
        with pytest.raises(TimeoutError):
            bench.channel.receive(0.01)
        assert bench.channel.due
    os.write(bench.out, data[at + 30 :])
    assert bench.channel.receive(5) == "x" * 100


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="the system's pipes have one size")
def test_what_fits_into_a_pipe_is_on_its_way_before_anybody_reads():
    made = Bench(channel.Piped)
    if fcntl.fcntl(made.into, fcntl.F_GETPIPE_SZ) < channel.PIPE:
        pytest.skip("this user may have no larger pipes")
    made.channel.send(frame(b"x" * (channel.PIPE - 100)), MOST)
    assert made.channel.due
    made.end()


def test_a_request_that_nobody_reads_holds_nobody_up(bench):
    data = frame(b"x" * (4 << 20))
    bench.channel.send(data, MOST)
    with pytest.raises(TimeoutError):
        bench.channel.receive(0.05)
    assert not bench.channel.due  # it is the worker's turn only once it has the whole request
    got = bytearray()

    def read() -> None:
        while len(got) < len(data):
            got.extend(os.read(bench.into, 1 << 20))

    reader = threading.Thread(target=read)
    reader.start()
    os.write(bench.out, frame("done"))
    assert bench.channel.receive(20) == "done"
    reader.join()
    assert got == data


def test_a_reply_that_never_stops_coming_is_looked_at_in_turns(bench):
    """One byte after the other, as fast as it goes: the one who waits gets to look at the limits."""
    bench.channel.send(frame(1), MOST)
    stop = threading.Event()

    def trickle() -> None:
        os.write(bench.out, struct.pack("<Q", MOST))
        while not stop.is_set():
            os.write(bench.out, b"N")

    hostile = threading.Thread(target=trickle)
    hostile.start()
    with pytest.raises(TimeoutError):
        bench.channel.receive(0.05)
    stop.set()
    hostile.join()


@pytest.mark.parametrize(
    ("sent", "error", "words"),
    [
        (b"", EOFError, ""),
        (b"\x01\x00", FrameError, "inside a frame's length"),
        (struct.pack("<Q", 10) + b"abc", FrameError, "7 bytes before the end"),
        (struct.pack("<Q", MOST + 1), TooLargeError, "can be taken"),
        (struct.pack("<Q", 1 << 60), FrameError, "can be sent"),
        (struct.pack("<Q", 1) + b"?", FrameError, "unknown tag"),
    ],
)
def test_what_is_no_reply_is_told_as_such(bench, sent, error, words):
    bench.channel.send(frame(1), MOST)
    os.write(bench.out, sent)
    os.close(bench.out)
    bench.out = os.open(os.devnull, os.O_WRONLY)
    found = bench.channel.receive(5)
    assert type(found) is error
    assert words in str(found)


def test_a_worker_that_is_gone_is_an_error_and_no_wait(bench):
    os.close(bench.into)
    os.close(bench.out)
    bench.into, bench.out = os.open(os.devnull, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
    bench.channel.send(frame(1), MOST)
    assert isinstance(bench.channel.receive(5), channel.FAULTS)
