"""Reads what a student wrote: a function of ours, in a confined child with a clock and a cap; plain data come back.

Parsers are large, and what they are given here is hostile. So an archive, a picture or a source is never
parsed in the grader's own process: `read` forks, the child gives up what a student's process gives up (see
worker/confine.py), parses, and sends the answer as frames of the wire. The answer is checked against the function's own
annotations and is nothing but data.

Where a process is not forked (macOS, Windows), people grade their own work alone, and it is read in this process.
"""

from __future__ import annotations

import gc
import importlib
import math
import os
import select
import signal
import struct
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from grader.errors import (
    BackgradeError,
    Crashed,
    Mismatch,
    OutOfMemory,
    StudentError,
    SubmissionError,
    TimedOut,
    UsageError,
)
from grader.model import Limits
from grader.sandbox.idle import GAP, Idle
from grader.sandbox.launch import FORKS, ROOT
from grader.sandbox.readable import readable
from grader.sandbox.worker import confine, seccomp
from grader.sandbox.worker.wire import FrameError, decode, pieces

Tell = Callable[[str], None]  # said by a reading function: the name of the file that it looks at next
Read = TypeVar("Read")

PATIENCE = 20.0  # seconds on the clock for each CPU second: a busy machine refuses nobody
SURELY = 0.5  # of its CPU seconds: a busy system counts more when it ends a child than it tells afterwards
MOST = 0.8  # of the time that was used: then one file alone is too costly
STUCK = 5.0  # seconds in which a child only waits, though none has anything to wait for
TRIES = 3
ANSWER = 400 << 20  # bytes of an answer; a submission keeps at most 256 MiB
CODE = str(ROOT / "grader")  # of which a child may import more; what is loaded of it, it holds already
STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM") if hasattr(signal, name)]
TAIL = 2000  # characters of a fault of ours
RAISED: dict[str, Callable[[str], BackgradeError]] = {"Mismatch": Mismatch, "SubmissionError": SubmissionError}


class ReaderFault(RuntimeError):
    """A reading function of ours failed: a fault of the grader, and no word on the submission."""


def read(
    function: Callable[..., Read], *args: Any, limits: Limits, about: str, files: Sequence[Path] = (), **named: Any
) -> Read:
    """What `function(*args, **named)` returns or raises, carried out in a child that may read nothing but code and
    `files`.

    `about` is what is read. A function whose first parameter is `tell: Tell` is given that as well, to say which file
    it has come to, so that a sentence names it; if the time runs out, the one that took the most of it. Raises
    TimedOut, OutOfMemory or Crashed for what is over `limits` or ends the child, Mismatch and SubmissionError as the
    function does, and ReaderFault for anything else that it raises.
    """
    return begin(function, *args, limits=limits, about=about, files=files, **named)()


def begin(
    function: Callable[..., Read],
    *args: Any,
    limits: Limits,
    about: str,
    files: Sequence[Path] = (),
    code: str = "",
    **named: Any,
) -> Callable[[], Read]:
    """As `read`, for who has something else to do meanwhile: the child starts now, and what this returns waits for it.
    That is to be called; a child that nobody waits for ends with the grader. `code` is a module that the child imports
    before it is confined, so that Python may keep its bytecode."""
    telling = "tell" in hints(function)
    if not FORKS:
        return partial(function, *([lambda name: None] if telling else []), *args, **named)
    libraries = readable(())  # found once, and not by every child; as the filter
    seccomp.prepare()
    paths = (*libraries[0], CODE, *map(str, files))
    job = Job(function, telling, args, named, limits, paths, libraries[1], own_size(), code)
    first = started(job)

    def finish() -> Read:
        data, ending = carried_out(job, about, *first)
        for _ in range(TRIES - 1):
            if ending.stuck:
                data, ending = carried_out(job, about, *started(job))
        return answer(data, ending, function)

    return finish


def started(job: Job) -> tuple[int, int, float]:
    """A child's id, -1 if none can be started; the pipe that it answers through; and when its time is over."""
    ours, theirs = os.pipe()
    masked = signal.pthread_sigmask(
        signal.SIG_BLOCK, STOPPING
    )  # no interrupt between the fork and the child's own code
    pid = forked()
    if pid == 0:
        become_reader(theirs, job)
    try:
        os.close(theirs)
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
    except BaseException:  # an interrupt that waited until here
        os.close(ours)
        reap(pid)
        raise
    return pid, ours, time.monotonic() + PATIENCE * job.limits.read_cpu


def carried_out(job: Job, about: str, pid: int, ours: int, deadline: float) -> tuple[bytearray, Ending]:
    """What a child sends, and how it ends. It is stuck if another thread held a lock while it was forked, such as the
    one of an import: nobody is left there to give it back."""
    try:
        if pid < 0:
            raise UsageError(f"{about} cannot be read: no process can be started; free some memory, and start again")
        data, late, stuck = received(ours, deadline, Idle(pid, STUCK))
    finally:
        os.close(ours)
        status, used = reap(pid)
    return data, Ending(about, late, status, used, job.limits, stuck)


def forked() -> int:
    """As os.fork; -1 if the system has no memory or no process left."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the child starts none and waits for none
        try:
            return os.fork()
        except OSError:
            return -1


def reap(pid: int) -> tuple[int, float]:
    """End a child: its wait status, and the CPU seconds that it used."""
    if pid < 0:
        return 0, 0.0
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # one that has sent its answer has nothing left to do
    _, status, used = os.wait4(pid, 0)
    return status, used.ru_utime + used.ru_stime


# In the child


@dataclass(frozen=True)
class Job:
    """What a child carries out, and what it may use; `size` is the address space of the process it was forked from,
    `code` a module that it imports first."""

    function: Callable[..., Any]
    telling: bool
    args: tuple[Any, ...]
    named: Mapping[str, Any]
    limits: Limits
    files: tuple[str, ...]
    lists: tuple[str, ...]
    size: int
    code: str = ""


def become_reader(pipe: int, job: Job) -> NoReturn:
    """Never returns into the grader's code, whatever happens."""
    try:
        gc.disable()  # a collection would touch, and so copy, every page of the grader's
        for number in STOPPING:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the grader decides when to stop
        signal.set_wakeup_fd(-1)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        keep_alone(pipe)
        if job.code:
            importlib.import_module(job.code)
        policy = confine.Policy(
            read=job.files, list=job.lists, memory=job.size + job.limits.read_memory, file_size=0,
            cpu=max(1, math.ceil(job.limits.read_cpu)),
        )  # fmt: skip
        confine.confine(policy)
        send(pipe, carry_out(job, pipe))
    except BaseException:
        pass
    finally:
        os._exit(0)


def keep_alone(pipe: int) -> None:
    """Close every descriptor but the pipe: a lock, a database or a socket of the grader's is none of a reader's."""
    null = os.open(os.devnull, os.O_RDWR)
    for target in (0, 1, 2):
        os.dup2(null, target)
    os.closerange(3, pipe)
    os.closerange(pipe + 1, 1 << 20)


def carry_out(job: Job, pipe: int) -> dict[str, Any]:
    tell = [lambda name: send(pipe, {"at": name, "cpu": time.process_time()})] if job.telling else []
    try:
        return {"value": plain(job.function(*tell, *job.args, **job.named))}
    except (Mismatch, SubmissionError) as error:
        kind = "Mismatch" if isinstance(error, Mismatch) else "SubmissionError"
        return {"raised": [kind, str(error)]}
    except MemoryError:
        return {"memory": True}
    except BaseException:
        return {"fault": traceback.format_exc()[-TAIL:]}


def send(pipe: int, value: Any) -> None:
    try:
        parts = pieces(value)
    except FrameError as error:
        parts = pieces({"unsent": str(error)})
    with open(pipe, "wb", closefd=False) as stream:  # so that the grader is not woken for each small part
        stream.write(struct.pack("<Q", sum(map(len, parts))))
        stream.writelines(parts)


def plain(value: Any) -> Any:
    """A value as it travels: data classes as dicts of their fields."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {plain(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    return value


# In the grader


def received(pipe: int, deadline: float, idle: Idle) -> tuple[bytearray, bool, bool]:
    """All that a child sends until it ends, whether the time was over before, and whether it only waited."""
    data = bytearray()
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    while (left := deadline - time.monotonic()) > 0:
        if not waiting.poll(1000 * min(left, GAP)):
            idle.look(ours=False)
            if idle.seconds > idle.patience:
                return data, True, True
            continue
        part = os.read(pipe, 1 << 20)
        if not part or len(data) > ANSWER:
            return data, False, False
        data += part
    return data, True, False


class Looks:
    """The file that a child said it looks at, and how many CPU seconds it has spent on each: the time may run out in a
    small file behind a costly one."""

    def __init__(self) -> None:
        self.at = ""
        self.since = 0.0
        self.spent: dict[str, float] = {}

    def go(self, name: str, cpu: float) -> None:
        self.spent[self.at] = self.spent.get(self.at, 0.0) + cpu - self.since
        self.at, self.since = name, cpu

    def longest(self, cpu: float) -> tuple[str, float]:
        """The file that took the most of the `cpu` seconds, "" for what was done before the first; and its share."""
        self.go(self.at, cpu)
        name = max(self.spent, key=lambda one: self.spent[one])
        return name, self.spent[name] / cpu if cpu > 0 else 1.0


@dataclass(frozen=True)
class Ending:
    """How a child ended: `about` names what it read, `late` that its time on the clock was over, `stuck` that it only
    waited."""

    about: str
    late: bool
    status: int
    cpu: float
    limits: Limits
    stuck: bool

    def fault(self, looks: Looks) -> StudentError:
        """What is wrong with the submission, for a child that did not answer."""
        name = looks.at or self.about
        if self.stuck:
            raise ReaderFault(f"{name} could not be read: the process that reads it waits for nothing, {TRIES} times")
        killed = os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL
        busy = self.cpu >= SURELY * self.limits.read_cpu
        if self.late or (killed and busy):
            longest, share = looks.longest(self.cpu) if busy else (looks.at, 1.0)
            name, used = longest or self.about, self.limits.read_cpu * (PATIENCE if self.late else 1)
            what, most = (f"{name} takes", "") if share > MOST else ("the files take", f", {name} the longest")
            return TimedOut(f"{what} longer than {used:g} s to read{most}; hand in a smaller and simpler file")
        if os.WIFSIGNALED(self.status) and not killed:
            ended = signal.Signals(os.WTERMSIG(self.status)).name
            return Crashed(f"{name} cannot be read: the program that reads it ends with {ended}; save it again")
        return Crashed(f"{name} cannot be read: the program that reads it ended early; hand in a smaller file")


def answer(data: bytearray, ending: Ending, function: Callable[..., Read]) -> Read:
    """What the frames say. Raises what `read` does."""
    looks, last = Looks(), None
    try:
        for frame in frames(memoryview(data)):
            match frame:
                case {"at": str(name), "cpu": float(seconds)}:
                    looks.go(name[:300], seconds)
                case _:
                    last = frame
    except FrameError:
        raise ending.fault(looks) from None
    if type(last) is not dict:
        raise ending.fault(looks)
    at = looks.at
    if last.get("memory") is True:
        most = ending.limits.read_memory >> 20
        raise OutOfMemory(f"{at or ending.about} takes more than {most} MiB of memory to read; hand in a smaller file")
    match last.get("raised"):
        case [str(kind), str(sentence)] if kind in RAISED:
            raise RAISED[kind](sentence)
    if type(last.get("fault")) is str:
        raise ReaderFault(f"{at or ending.about} could not be read: {last['fault']}")
    try:
        found: Read = rebuilt(hints(function)["return"], last["value"])
    except (KeyError, TypeError, ValueError):
        unsent = as_sentence(last.get("unsent"))
        raise Crashed(f"{at or ending.about} cannot be read: what it holds is no plain data{unsent}") from None
    return found


def as_sentence(unsent: Any) -> str:
    return f" ({unsent[:200]})" if type(unsent) is str else ""


def frames(data: memoryview) -> Iterator[Any]:
    """Raises FrameError for what is not a whole number of frames."""
    while data:
        if len(data) < 8:
            raise FrameError("the answer ends inside a frame's length")
        size = int(struct.unpack_from("<Q", data)[0])
        if size > len(data) - 8:
            raise FrameError("the answer ends before its frame does")
        yield decode(data[8 : 8 + size])
        data = data[8 + size :]


@cache
def hints(of: Any) -> dict[str, Any]:
    return get_type_hints(of)


def rebuilt(hint: Any, value: Any) -> Any:
    """A value of the type that is written down, exactly. Raises ValueError, KeyError or TypeError for any other: then
    the child is not what it was when it was forked."""
    origin, args = get_origin(hint), get_args(hint)
    if hasattr(origin, "__value__"):  # an alias, as NDArray is from numpy 2.5 on
        return rebuilt(origin.__value__[args], value)
    if hint is None or hint is type(None):
        return exactly(value is None, value)
    if origin in (Union, types.UnionType):
        return one_of(args, value)
    if origin is Literal:
        return exactly(any(type(value) is type(one) and value == one for one in args), value)
    if is_dataclass(hint) and isinstance(hint, type):
        names = [one.name for one in fields(hint)]
        exactly(type(value) is dict and list(value) == names, value)
        return hint(**{name: rebuilt(hints(hint)[name], value[name]) for name in names})
    if origin is np.ndarray:
        return exactly(
            type(value) is np.ndarray and value.dtype in [np.dtype(kind) for kind in get_args(args[1])], value
        )
    if origin is tuple and args[-1:] != (...,):
        exactly(type(value) is tuple and len(value) == len(args), value)
        return tuple(map(rebuilt, args, value))
    if origin in (tuple, list):
        exactly(type(value) is tuple, value)
        return origin(rebuilt(args[0], part) for part in value)
    if isinstance(origin, type) and issubclass(dict, origin):
        exactly(type(value) is dict, value)
        return {rebuilt(args[0], key): rebuilt(args[1], part) for key, part in value.items()}
    return exactly(type(value) is hint, value)


def one_of(options: Sequence[Any], value: Any) -> Any:
    for option in options:
        with suppress(ValueError, KeyError, TypeError):
            return rebuilt(option, value)
    raise ValueError(type(value))


def exactly(fits: bool, value: Any) -> Any:
    if not fits:
        raise ValueError(type(value))
    return value


def own_size() -> int:
    """Bytes of address space of this process; what a child may use comes on top of it."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 1 << 40
    return pages * os.sysconf("SC_PAGE_SIZE")
