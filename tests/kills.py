"""Random kills while a class of honest and hostile work is graded: no result is lost, none is recorded twice.

    python tests/kills.py 1000 [SEED]     the tests do 4

A kill ends the batch (SIGKILL, SIGTERM, SIGINT, SIGHUP), or any process below it: a grading process, one that forks
them, a reader, a student's process. A batch that ended is resumed. When it was graded to the end, the class is graded
once more without kills, and everyone has to have what a class has that nobody disturbs.
"""

from __future__ import annotations

import json
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import psutil  # noqa: E402
from classes import class_of, reports  # noqa: E402

from grader.course import database  # noqa: E402

FLAGS = ("--task", "1", "--task", "2.4", "--seed", "3")
RIGHT = ("right-loops", "right-tabs", "right-prints")
WRONG = ("wrong-nan", "wrong-fc-averaged", "odd-segfault", "odd-raises")
EXPLOITS = ("exit_zero", "printed_score", "mutated_inputs", "blocked_signals", "kill_itself", "raised_group",
            "patched_array", "written_results", "replayed_answers", "system_exit_zero")  # fmt: skip
ENDINGS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
COPIES = 3
LONE = 0.06  # the share of kills that end the batch itself
RARE, RARELY = ("what starts them", "a helper of Python's"), 0.1  # without these for long, nobody would be graded
GRADED, USAGE, FAULT, INTERRUPTED = 0, 2, 3, 130
Judged = dict[str, list[tuple[str, str, float]]]


class Lost(AssertionError):
    """A result was lost, recorded twice, or is another one than without kills."""


def hand_in(folder: Path) -> Path:
    """The class: right work, wrong work, and right work with an exploit behind it, by COPIES students each."""
    for number in range(COPIES):
        own = class_of(folder / str(number), *RIGHT, *WRONG, *EXPLOITS)
        for work in sorted(own.iterdir()):
            exploit = ROOT / "tests" / "attacks" / "exploits" / f"{work.name}.py"
            added = exploit.read_text(encoding="utf-8") if work.name in EXPLOITS else ""
            with (work / "layers.py").open("a", encoding="utf-8") as file:
                file.write(f"\n\n{added}\n# by student {number}\n")
            work.rename(folder / f"{work.name}-{number}")
        own.rmdir()
    return folder


def command(folder: Path, out: Path) -> list[str]:
    begun = (out / database.FILE).is_file() and open_run(out)
    flags = ["--resume"] if begun else FLAGS
    return [sys.executable, str(ROOT / "grade.py"), "batch", str(folder), "--out", str(out), "--no-html", "--jobs", "2",
            *flags]  # fmt: skip


def rows(out: Path, query: str) -> list[Any]:
    """Rows of the gradebook's file; none if it was ended before its tables were made."""
    if not (out / database.FILE).is_file():
        return []
    connection = sqlite3.connect(out / database.FILE)
    try:
        return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()


def open_run(out: Path) -> bool:
    return rows(out, "SELECT ended FROM runs ORDER BY id DESC LIMIT 1") == [(None,)]


def judged(out: Path) -> Judged:
    """For each student the name, verdict and points of each check."""
    return {
        student: [
            (check["name"], check["verdict"], check["earned"])
            for task in report["tasks"]
            for item in task["items"]
            for check in item["checks"]
        ]
        for student, report in reports(out).items()
    }


@dataclass
class Round:
    """One class that is graded, and disturbed until it is graded to the end."""

    folder: Path
    out: Path
    draw: random.Random
    ended: Counter[str] = field(default_factory=Counter)
    kept: dict[str, str] = field(default_factory=dict)

    def disturb(self, most: int) -> None:
        """Grade the class with at most so many kills. Raises Lost."""
        while (left := most - self.ended.total()) > 0:
            with tempfile.TemporaryFile() as said:
                batch = subprocess.Popen(command(self.folder, self.out), stdout=said, stderr=said, cwd=ROOT)
                self.kill(batch, left)
                code = batch.wait(timeout=120)
                said.seek(0)
                words = said.read().decode("utf-8", "replace")
            self.look()
            ended = code in [-number for number in ENDINGS]  # where Python had not yet read the command's first lines
            if not ended and (code not in (GRADED, USAGE, FAULT, INTERRUPTED) or tells_of_fault(words)):
                raise Lost(f"the batch ended with {code}: {words[-2000:]}")
            if code in (GRADED, FAULT):
                return

    def kill(self, batch: subprocess.Popen[bytes], most: int) -> None:
        """End its processes at random until it ends, or at the latest after `most` of them."""
        main, sent = psutil.Process(batch.pid), 0
        while sent < most and batch.poll() is None:
            time.sleep(self.draw.uniform(0.01, 0.3))
            try:
                below = main.children(recursive=True)
                kinds = self.kinds(self.draw.sample(below, len(below)), main)
                if self.draw.random() > RARELY:
                    kinds = {name: one for name, one in kinds.items() if name not in RARE}
                if self.draw.random() < (LONE if below else LONE / 10):
                    kinds = {kind_of(main, main): main}
                if not kinds:
                    continue  # it is starting
                kind, victim = self.draw.choice(sorted(kinds.items(), key=lambda one: one[0]))
                victim.send_signal(self.draw.choice(ENDINGS) if victim == main else signal.SIGKILL)
            except psutil.Error:
                continue  # it ended before it was killed
            self.ended[kind] += 1
            sent += 1

    def kinds(self, below: list[psutil.Process], main: psutil.Process) -> dict[str, psutil.Process]:
        """One process of each kind, of those that have not ended: some always have while a class is graded."""
        found = {}
        for one in below:
            with suppress(psutil.Error):
                found[kind_of(one, main)] = one
        return found

    def look(self) -> None:
        """Raises Lost for a result that is gone, or was recorded anew."""
        now = dict(rows(self.out, "SELECT key, recorded FROM results"))
        if not self.kept.items() <= now.items():
            raise Lost(f"results that were recorded are gone or new: {self.kept.items() - now.items()}")
        self.kept = now

    def finish(self, expected: Judged) -> None:
        """Grade it without kills. Raises Lost."""
        done = subprocess.run(command(self.folder, self.out), capture_output=True, text=True, cwd=ROOT, check=False)
        if done.returncode != GRADED:
            raise Lost(f"the class cannot be graded to the end: {done.stdout}{done.stderr}")
        self.look()
        if (found := judged(self.out)) != expected:
            other = {name: (found.get(name), expected.get(name)) for name in found | expected
                     if found.get(name) != expected.get(name)}  # fmt: skip
            raise Lost(f"not as without kills: {json.dumps(other)}")
        several = rows(self.out, "SELECT run, student FROM reports GROUP BY run, student HAVING count(*) > 1")
        last = rows(self.out, "SELECT count(*) FROM reports WHERE run = (SELECT max(id) FROM runs)")
        if several or last != [(len(expected),)]:
            raise Lost(f"reports: {last} in the last run for {len(expected)} students; several for {several}")


def tells_of_fault(words: str) -> bool:
    """Whether the batch itself ended in a traceback; its processes may, when what they talk to is gone."""
    return re.search(r"(?m)^Traceback .*\n  File \"[^\"]*grade\.py\"", words) is not None


def kind_of(victim: psutil.Process, main: psutil.Process) -> str:
    if victim == main:
        return "the batch"
    words, above = " ".join(victim.cmdline()), victim.parent()
    if "zygote" in words:
        return "a student's process" if above and "zygote" in " ".join(above.cmdline()) else "a warm process"
    if "forkserver" in words:
        return "what starts them" if above == main else "a grading process"
    return "a helper of Python's" if "resource_tracker" in words else "a reader"


def run(count: int, seed: int, folder: Path, *, show: bool = False) -> Counter[str]:
    """How many of each kind were killed. Raises Lost."""
    draw, ended = random.Random(seed), Counter[str]()
    class_ = hand_in(folder / "class")
    undisturbed = Round(class_, folder / "undisturbed", draw)
    subprocess.run(command(class_, undisturbed.out), stdout=subprocess.DEVNULL, cwd=ROOT, check=True)
    expected = judged(undisturbed.out)
    number = 0
    while ended.total() < count:
        one = Round(class_, folder / str(number), draw)
        one.disturb(count - ended.total())
        one.finish(expected)
        ended += one.ended
        number += 1
        if show:
            print(f"{number} classes, {ended.total()} kills: {dict(ended)}", flush=True)
    return ended


def main(words: list[str]) -> int:
    count, seed = int(words[0]) if words else 100, int(words[1]) if len(words) > 1 else 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(count, seed, Path(folder), show=True)
        except Lost as error:
            print(error)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
