"""A reader: what it gives back, what it may not do, and what its end is called."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from grader.errors import Crashed, Mismatch, OutOfMemory, SubmissionError, TimedOut, UsageError
from grader.loading import ROOT
from grader.model import Limits
from grader.sandbox import reader
from grader.sandbox.reader import Tell

pytestmark = [pytest.mark.medium, pytest.mark.skipif(not reader.FORKS, reason="forks on Linux alone")]
resource = pytest.importorskip("resource")

LIMITS = Limits(read_cpu=1, read_memory=100 << 20)


def read(function: Any, *args: Any, **options: Any) -> Any:
    return reader.read(function, *args, limits=LIMITS, about="the work", **options)


@dataclass(frozen=True)
class Part:
    kind: Literal["text", "image"]
    pixels: NDArray[np.uint8]
    share: int | float | None = None


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    names: Mapping[str, bytes]


def whole(tell: Tell) -> Whole:
    return Whole(
        (Part("text", np.arange(3, dtype=np.uint8), 1.5), Part("image", np.zeros((2, 0), np.uint8))), {"a": b"x"}
    )


def test_what_a_function_returns_comes_back_as_its_annotation_says():
    found = read(whole)
    assert type(found) is Whole
    assert found.names == {"a": b"x"}
    assert [part.kind for part in found.parts] == ["text", "image"]
    assert found.parts[0].pixels.tolist() == [0, 1, 2]
    assert (found.parts[0].share, found.parts[1].share) == (1.5, None)


def echo(tell: Tell, value: str, *, more: int) -> tuple[str, int]:
    return value, more


def test_small_parts_of_an_answer_are_written_together():
    """Each alone would wake the grader, which then waits for a core."""
    ours, theirs = os.pipe2(os.O_DIRECT)  # a read gives what one write wrote
    for end in (ours, theirs):  # what is written in many parts fills the pipe, and is refused
        os.set_blocking(end, False)
    reader.send(theirs, ("a",) * 500)
    assert len(os.read(ours, 1 << 20)) > 2000
    with pytest.raises(BlockingIOError):
        os.read(ours, 1 << 20)
    os.close(ours)
    os.close(theirs)


def test_an_alias_of_a_type_is_that_type():
    """As numpy's NDArray is from 2.5 on, which needs a Python that has such aliases itself."""
    library = pytest.importorskip("typing_extensions")
    kind = TypeVar("kind", bound=np.generic)
    alias = library.TypeAliasType("alias", np.ndarray[Any, np.dtype[kind]], type_params=(kind,))
    array = np.zeros(2, np.uint8)
    assert reader.rebuilt(alias[np.uint8], array) is array
    with pytest.raises(ValueError, match="ndarray"):
        reader.rebuilt(alias[np.float64], array)


def test_arguments_are_those_of_the_grader_and_text_comes_back_printable():
    assert read(echo, "b\udcff", more=2) == ("b\\udcff", 2)


def mismatch(tell: Tell) -> int:
    raise Mismatch("part1.ipynb is empty")


def unreadable(tell: Tell) -> int:
    raise SubmissionError("work.zip is damaged")


def faulty(tell: Tell) -> int:
    tell("train.py")
    return {}["missing"]


def test_what_is_raised_is_raised_here():
    with pytest.raises(Mismatch, match=r"part1\.ipynb is empty"):
        read(mismatch)
    with pytest.raises(SubmissionError, match=r"work\.zip is damaged"):
        read(unreadable)
    with pytest.raises(reader.ReaderFault, match=r"(?s)train\.py could not be read.*KeyError: 'missing'"):
        read(faulty)


def endless(tell: Tell) -> int:
    tell("first.py")
    tell("train.py")
    return sum(iter(int, 1))


def asleep(tell: Tell) -> int:
    tell("train.py")
    time.sleep(60)
    return 0


def greedy(tell: Tell) -> int:
    tell("train.py")
    return len(bytearray(1 << 30))


def broken(tell: Tell) -> int:
    tell("train.py")
    return int(ctypes.string_at(0)[0])


def early(tell: Tell) -> int:
    tell("train.py")
    os._exit(0)


@pytest.mark.parametrize(
    ("function", "error", "sentence"),
    [
        (endless, TimedOut, r"^train\.py takes longer than \d s to read"),
        (greedy, OutOfMemory, r"^train\.py takes more than 100 MiB of memory to read"),
        (broken, Crashed, r"^train\.py cannot be read: the program that reads it ends with SIGSEGV"),
        (early, Crashed, r"^train\.py cannot be read: the program that reads it ended early"),
    ],
)
def test_a_reader_over_its_limits_names_the_file_that_it_read(function, error, sentence):
    with pytest.raises(error, match=sentence):
        read(function)


def told_after(costly: str, seconds: float, small: str) -> reader.Looks:
    looks = reader.Looks()
    for name, cpu in [(small, 0.1), (costly, 0.2), (small, 0.3 + seconds / 2), (costly, 0.4 + seconds / 2)]:
        looks.go(name, cpu)
    looks.go(small, 0.4 + seconds)
    return looks


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [(6.0, "costly.py takes longer than 8 s to read;"), (4.0, "the files take longer than 8 s to read, costly.py the")],
)
def test_what_took_the_time_is_named_though_it_ran_out_elsewhere(seconds, sentence):
    ending = reader.Ending("work.gz", False, int(signal.SIGKILL), 7.0, Limits(read_cpu=8), stuck=False)
    assert str(ending.fault(told_after("costly.py", seconds, "small.py"))).startswith(sentence)


def costly_before_small(tell: Tell) -> int:
    tell("costly.py")
    while time.process_time() < 0.9:
        pass
    tell("small.py")
    return sum(iter(int, 1))


def test_a_small_file_behind_a_costly_one_is_not_named():
    with pytest.raises(TimedOut, match=r"costly\.py"):
        read(costly_before_small)


def test_a_reader_that_sleeps_has_a_clock(monkeypatch):
    monkeypatch.setattr(reader, "PATIENCE", 0.5)
    with pytest.raises(TimedOut, match=r"^train\.py takes longer than 0\.5 s"):
        read(asleep)


def liar(tell: Tell) -> int:
    return "no number"  # type: ignore[return-value]


def other_fields(tell: Tell) -> Whole:
    return {"parts": (), "names": {}, "more": 1}  # type: ignore[return-value]


def other_dtype(tell: Tell) -> NDArray[np.uint8]:
    return np.zeros(3)  # type: ignore[return-value]


def an_object(tell: Tell) -> int:
    return object()  # type: ignore[return-value]


@pytest.mark.parametrize("function", [liar, other_fields, other_dtype, an_object])
def test_an_answer_of_another_type_is_none(function):
    with pytest.raises(Crashed, match="the work cannot be read: what it holds is no plain data"):
        read(function)


def is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def forged(tell: Tell) -> int:
    descriptor = next(at for at in range(3, 1000) if is_pipe(at))
    os.write(descriptor, b"\xff" * 100)
    os._exit(0)


def test_a_forged_frame_is_no_answer():
    with pytest.raises(Crashed):
        read(forged)


def attempts(tell: Tell, secret: str, folder: str) -> dict[str, str]:
    """What each forbidden act came to."""

    def tried(act: Any) -> str:
        try:
            act()
        except (OSError, ValueError) as error:
            return "refused" if isinstance(error, PermissionError | ValueError) else repr(error)
        return "possible"

    acts = {
        "read": lambda: Path(secret).read_text(encoding="utf-8"),
        "list": lambda: list(Path(folder).iterdir()),
        "write": lambda: Path(folder, "made").write_text("x", encoding="utf-8"),
        "fork": os.fork,
        "exec": lambda: os.execv("/bin/true", ["true"]),
        "socket": socket.socket,
        "signal": lambda: os.kill(os.getppid(), 0),
        "limits": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9)),
    }
    return {name: tried(act) for name, act in acts.items()}


def test_a_reader_is_confined(tmp_path):
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    found = read(attempts, str(tmp_path / "secret"), str(tmp_path))
    assert set(found.values()) == {"refused"}, found


def content(tell: Tell, path: str) -> bytes:
    return Path(path).read_bytes()


def test_a_reader_reads_what_it_is_given(tmp_path):
    (tmp_path / "work.py").write_bytes(b"x = 1")
    assert read(content, str(tmp_path / "work.py"), files=[tmp_path]) == b"x = 1"


def descriptors(tell: Tell) -> list[int]:
    return [int(path.name) for path in Path("/proc/self/fd").iterdir()]


def test_a_reader_holds_no_descriptor_of_the_graders(tmp_path):
    with (tmp_path / "lock").open("w"):
        assert len(read(descriptors)) <= 5  # three to nowhere, its pipe, and the folder that it lists


def test_readers_beside_other_threads():
    found: list[tuple[str, int]] = []
    threads = [threading.Thread(target=lambda at=at: found.append(read(echo, "x", more=at))) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [("x", at) for at in range(8)]


STOPPED = """
import sys; sys.path.insert(0, sys.argv[1]); sys.path.insert(0, sys.argv[2])
from grader import cli
from grader.model import Limits
from grader.sandbox import reader
def deaf(tell: reader.Tell) -> int:
    tell("ready")
    return int((1 << (1 << 34)) % 7)
cli.end_in_order()
print("begins", flush=True)
try:
    reader.read(deaf, limits=Limits(read_cpu=3600, read_memory=8 << 30), about="the work")
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_grader_while_a_reader_computes_in_c(number):
    command = [sys.executable, "-c", STOPPED, str(ROOT), str(ROOT / "tests")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        time.sleep(0.5)
        process.send_signal(number)
        assert process.wait(60) == 0  # the reader would compute for an hour
        assert process.stdout.readline() == "stopped\n"


def reference(tell: Tell) -> list[str]:
    """What of the project, besides the grader's code, can be read."""
    found = []
    for path in (ROOT / "reference" / "part1.ipynb", ROOT / "fixtures" / "backprop-data.pkl", ROOT / "pyproject.toml"):
        try:
            found += [path.read_bytes()[:1].decode("latin-1")]
        except PermissionError:
            continue
    return found


def late(tell: Tell) -> str:
    for name in [name for name in sys.modules if name.startswith("grader.course.layouts")]:
        del sys.modules[name]
    from grader.course.layouts import autolab

    return autolab.__name__


def test_a_reader_imports_more_of_the_graders_code_and_reads_nothing_else_of_the_project():
    assert read(late) == "grader.course.layouts.autolab"
    assert read(reference) == []


def test_what_a_reader_imports_first_keeps_its_bytecode(tmp_path, monkeypatch):
    """A confined reader writes nothing: each would compile the code again."""
    (tmp_path / "needed_by_readers.py").write_text("NUMBER = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert read(late, code="needed_by_readers") == "grader.course.layouts.autolab"
    assert list(tmp_path.glob("__pycache__/needed_by_readers*.pyc"))
    assert "needed_by_readers" not in sys.modules


def test_a_system_without_a_process_left_is_no_fault_of_the_work(monkeypatch):
    def none_left() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", none_left)
    with pytest.raises(UsageError, match="the work cannot be read: no process can be started") as caught:
        read(echo, "x", more=1)
    assert not isinstance(caught.value, SubmissionError)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_nothing_of_a_reader_is_left():
    before, children = len(list(Path("/proc/self/fd").iterdir())), psutil.Process().children()
    for function in (echo, mismatch, greedy, early):
        with suppress(Mismatch, OutOfMemory, Crashed):
            read(function, *(("x",) if function is echo else ()), **({"more": 1} if function is echo else {}))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert psutil.Process().children() == children
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()


GATE = threading.Lock()


def through_the_gate() -> str:
    with GATE:
        return "read"


@pytest.mark.skipif(
    not Path("/proc/self/syscall").exists(), reason="this system does not tell what a process waits for"
)
def test_a_child_that_was_forked_with_another_threads_lock_is_started_again(monkeypatch):
    monkeypatch.setattr(reader, "STUCK", 0.4)
    held = threading.Event()

    def hold() -> None:
        with GATE:
            held.set()
            time.sleep(0.6)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert read(through_the_gate) == "read"
    thread.join()
    with GATE, pytest.raises(reader.ReaderFault, match="waits for nothing, 3 times"):
        read(through_the_gate)


@pytest.mark.parametrize(
    ("status", "cpu", "error"),
    [
        (signal.SIGKILL, 6.1, TimedOut),  # as a busy machine told of a child whose limit of 8 s ended it
        (signal.SIGKILL, 0.1, Crashed),
        (signal.SIGSEGV, 7.9, Crashed),
        (0, 7.9, Crashed),
    ],
)
def test_what_ended_a_reader_is_told_on_a_busy_machine_too(status, cpu, error):
    ending = reader.Ending("work.gz", False, int(status), cpu, Limits(read_cpu=8), stuck=False)
    assert type(ending.fault(reader.Looks())) is error
