"""`grade.py --watch` as its users type it: saves, a terminal, Ctrl-C, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil
import pytest

pytestmark = pytest.mark.medium

ROOT = Path(__file__).parents[1]
FRAMEWORK = ROOT / "tests" / "homeworks" / "framework"
FRAME = FRAMEWORK / "reference" / "frame"
RIGHT = (FRAME / "tensor.py").read_text(encoding="utf-8")
WRONG = RIGHT.replace("- self.lr * parameter.grad", "+ self.lr * parameter.grad")
ENDLESS = f"{RIGHT}\n\nclass Linear:\n    def __init__(self, *arguments):\n        while True:\n            pass\n"
LONG = 60.0  # seconds for what takes one, on a busy machine
posix = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of another process, and terminals, are POSIX's")


@pytest.fixture
def work(tmp_path) -> Path:
    shutil.copytree(FRAME, tmp_path / "work")
    (tmp_path / "tmp").mkdir()
    return tmp_path / "work"


class Running:
    """The command, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], stream: IO[bytes] | int) -> None:
        self.process, self.stream, self.printed = process, stream, b""

    def until(self, pattern: str) -> str:
        """Read until the pattern has come; what was printed up to there, from the last call on."""
        end = time.monotonic() + LONG
        while not (found := re.search(pattern.encode(), self.printed)):
            assert time.monotonic() < end, self.printed
            assert self.read(), f"the command has ended: {self.printed!r}"
        told, self.printed = self.printed[: found.end()], self.printed[found.end() :]
        return told.decode()

    def read(self) -> bytes:
        """What comes now; a dot while nothing does, and nothing at the end."""
        if not select.select([self.stream], [], [], 0.1)[0]:
            return b"."
        new = b""
        with suppress(OSError):  # a terminal whose last user has ended
            new = os.read(self.stream if isinstance(self.stream, int) else self.stream.fileno(), 1 << 16)
        self.printed += new
        return new

    def warm(self) -> int:
        """The one process that stays below it, once what was started for a single grading is gone."""
        until = time.monotonic() + LONG
        while len(below := psutil.Process(self.process.pid).children()) != 1:
            assert time.monotonic() < until, below
            time.sleep(0.02)
        return int(below[0].pid)

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Send a signal: exit code, what was still printed, and standard error. Nothing is left behind."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        while self.read():
            pass
        code = self.process.wait(LONG)
        assert not [one for one in below if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        errors = self.process.stderr.read().decode() if self.process.stderr else ""
        return code, self.printed.decode(), errors


@contextmanager
def watching(work: Path, *words: object, terminal: bool = False) -> Iterator[Running]:
    """The command in the folder of `work`; its temporary files go beside it."""
    command = [sys.executable, str(ROOT / "grade.py"), str(work), "--watch", "--homework", str(FRAMEWORK)]
    command += ["--seed", "3", *map(str, words)]
    environment = os.environ | {"TMPDIR": str(work.parent / "tmp"), "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    ours = theirs = None
    if terminal:
        import pty

        ours, theirs = pty.openpty()
        boot = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        command = [sys.executable, "-c", boot, *command]
    process = subprocess.Popen(
        command,
        cwd=work.parent,
        env=environment,
        stdin=theirs,
        stdout=theirs or subprocess.PIPE,
        stderr=theirs or subprocess.PIPE,
        start_new_session=True,
    )
    if theirs is not None:
        os.close(theirs)
    try:
        yield Running(process, process.stdout if ours is None else ours)
        assert list((work.parent / "tmp").iterdir()) == [], "nothing is left behind"
    finally:
        process.kill()
        process.wait()
        for stream in filter(None, (process.stdout, process.stderr)):
            stream.close()
        if ours is not None:
            os.close(ours)


def save(work: Path, text: str) -> None:
    beside = work / "tensor.py.new"
    beside.write_text(text, encoding="utf-8")
    beside.replace(work / "tensor.py")


@posix
def test_saves_are_judged_in_plain_lines_until_ctrl_c(work):
    with watching(work, "--json", "r.json", "--html", work / "r.html") as command:
        first = command.until("watching .*; Ctrl-C ends\n")
        warm = command.warm()
        assert "Score: 15 of 15\n" in first
        save(work, WRONG)
        told = command.until(r"graded in .* s\n")
        assert "newly wrong: 1.2 sgd_steps (tensor.py:" in told
        assert re.search(r"Score: \S+ of 15, before 15; tensor\.py graded in", told)
        assert "saved tensor.py; graded again: 1.1, 1.2, 1.3, 2.1\n" in told
        assert "1.1 linear" not in told
        save(work, RIGHT)
        assert "newly right: 1.2 sgd_steps\n" in (last := command.until(r"Score: 15 of 15, .*\n"))
        assert "\x1b" not in first + told + last
        assert command.warm() == warm, "the warm process stays"
        code, more, errors = command.end()
    assert (code, more) == (130, "")
    assert errors.endswith("grade.py: stopped watching; score 15 of 15\n")
    report = json.loads((work.parent / "r.json").read_text())
    assert (report["score"], report["interrupted"], report["provenance"]["seed"]) == (15, False, 3)
    assert "15 of 15" in (work / "r.html").read_text(encoding="utf-8")


@posix
def test_a_loop_that_never_ends_is_no_matter_once_the_file_is_saved_again(work):
    with watching(work, "--no-html", "--json", "r.json", "--task", "1.1", "--task", "1.2") as command:
        command.until("Ctrl-C ends\n")
        save(work, ENDLESS)
        time.sleep(1.5)  # of the ten seconds that a call may take
        save(work, RIGHT)
        assert command.until(r"tensor\.py graded in .*\n").count("Score: ") == 1  # the loop's save has none
        save(work, ENDLESS)
        time.sleep(1.5)
        code, more, errors = command.end()
    assert code == 130
    assert "not graded: the run was interrupted before this was measured" in more
    assert "stopped watching; score 0 of 0 graded; 7 not graded here" in errors
    report = json.loads((work.parent / "r.json").read_text())
    assert report["interrupted"]


@posix
def test_on_a_terminal_the_screen_is_drawn_anew_and_ctrl_c_is_typed(work):
    with watching(work, "--no-html", terminal=True) as command:
        command.until("Ctrl-C ends")
        save(work, WRONG)
        screen = command.until("Ctrl-C ends").rpartition("\x1b[2J")[2]
        assert "SGD with momentum" in screen
        assert "newly wrong: 1.2 sgd_steps" in screen
        assert ", before 15; tensor.py graded in" in screen
        save(work, WRONG.replace("class SGD", "class SGD(", 1))
        assert "graded again when it can be read" in command.until("Ctrl-C ends")
        os.write(command.stream, b"\x03")
        command.until(r"\^C(.|\s)*stopped watching; score")
        assert command.process.wait(LONG) == 130


@posix
def test_a_zip_is_watched_and_a_polite_kill_ends_it(work):
    path = work.parent / "ada.zip"

    def pack(text: str) -> None:
        with zipfile.ZipFile(work.parent / "new.zip", "w") as archive:
            archive.write(FRAME / "train.py", "ada/train.py")
            archive.writestr("ada/tensor.py", text)
        (work.parent / "new.zip").replace(path)

    pack(WRONG)
    with watching(path, "--no-html") as command:
        command.until("Ctrl-C ends\n")
        path.write_bytes(path.read_bytes()[:100])
        assert "ada.zip is damaged" in command.until(r"pack it again.*\n")
        pack(RIGHT)
        assert "newly right: 1.2 sgd_steps" in command.until("Score: 15 of 15, .*\n")
        assert command.end(signal.SIGTERM)[0] == 130


@posix
def test_json_on_standard_output_is_a_report_after_each_save_and_lines_go_to_standard_error(work):
    with watching(work, "--no-html", "--json", "-", "--task", "1.2") as command:
        assert json.loads(command.until(r"\n\}\n"))["score"] == 3
        save(work, WRONG)
        assert json.loads(command.until(r"\n\}\n"))["score"] == 0
        code, more, errors = command.end()
    assert code == 130
    assert not more or json.loads(more)["score"] == 0, (
        "a report may be printed again if Ctrl-C came while it was printed"
    )
    assert "newly wrong: 1.2 sgd_steps" in errors


@posix
def test_many_saves_leave_nothing_open_and_it_ends_when_its_reader_goes_away(work):
    with watching(work, "--no-html", "--task", "1.2") as command:
        command.until("Ctrl-C ends\n")
        process, counts = psutil.Process(command.process.pid), []
        for number in range(8):
            save(work, f"{WRONG if number % 2 else RIGHT}# {number}\n")
            command.until(r"graded in .*\n")
            counts.append((process.num_fds(), process.num_threads()))
        assert max(counts[-2:]) <= max(counts[:2])
        command.process.stdout.close()
        save(work, f"{RIGHT}# the last\n")
        assert command.process.wait(LONG) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["student", "--watch", "--fail-under", "5"], "--watch goes on until Ctrl-C and --fail-under is for one run"),
        (["student", "--watch", "--ci"], "--watch goes on until Ctrl-C and --ci is for one run"),
        (["student", "--watch", "--task", "99"], "there is no task 99"),
        (["nowhere", "--watch"], "nowhere cannot be read"),
    ],
)
def test_what_cannot_be_watched_is_refused(words, sentence):
    run = subprocess.run(
        [sys.executable, str(ROOT / "grade.py"), *words, "--no-html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONG,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert sentence in run.stderr
    assert len(run.stderr.splitlines()) == 1
