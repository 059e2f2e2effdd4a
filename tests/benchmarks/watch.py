"""How long a saved layers.py takes to be judged by `grade.py --watch`: from the save to the screen.

    python tests/benchmarks/watch.py [saves]

The command runs on a terminal of its own, as a student sees it. Each save puts another layers.py in the place of the
former, alternately a right one and one with a wrong bias, and ends once the screen shows the new score. In turn with a
student who has written layers.py alone, and with one who has written everything: there the whole network is judged
again, and each save also ends a training run. The bound is 0.5 s for the median.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOUND = 0.5
LAYERS = Path("neuralnet/layers.py")
RIGHT = (ROOT / "reference" / LAYERS).read_text(encoding="utf-8")
WRONG = RIGHT.replace("x @ w + b", "x @ w - b")
PLAIN = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


class Screen:
    """A terminal with the command in it."""

    def __init__(self, folder: Path) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
        words = [sys.executable, str(ROOT / "grade.py"), "work", "--watch", "--task", "1", "--task", "2", "--task", "3"]
        self.process = subprocess.Popen(
            [*words, "--task", "4"], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.last = b""

    def until(self, pattern: str) -> None:
        """Read until the screen has shown the pattern."""
        seen, wanted, end = b"", re.compile(pattern.encode()), time.monotonic() + 120
        while not wanted.search(PLAIN.sub(b"", seen)):
            if time.monotonic() > end:
                raise TimeoutError(f"{pattern} did not come; the screen ends with {seen[-500:]!r}")
            seen += self.read()

    def rest(self) -> None:
        """Read what else comes until a training run has begun."""
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            self.read()

    def read(self) -> bytes:
        if not select.select([self.ours], [], [], 0.1)[0]:
            return b""
        try:
            found = os.read(self.ours, 1 << 16)
        except OSError:
            raise RuntimeError(f"the command ended: {self.last.decode()}") from None
        self.last = (self.last + found)[-1000:]
        return found

    def close(self) -> None:
        self.process.send_signal(signal.SIGINT)
        while True:  # its last words, so that it is not held up by a full terminal
            try:
                if not os.read(self.ours, 1 << 16):
                    break
            except OSError:
                break
        os.close(self.ours)
        self.process.wait(30)


def save(path: Path, content: str) -> None:
    """As most editors do: write another file, then move it into the place of the former."""
    beside = path.with_name("layers.py.new")
    beside.write_text(content, encoding="utf-8")
    beside.replace(path)


def times(work: Path, saves: int) -> list[float]:
    save(work / LAYERS, RIGHT)
    screen = Screen(work.parent)
    taken = []
    try:
        screen.until("Ctrl-C ends|being graded")
        for number in range(saves + 1):
            screen.rest()
            began = time.perf_counter()
            save(work / LAYERS, RIGHT if number % 2 else WRONG)
            screen.until(r"layers\.py graded in")
            taken.append(time.perf_counter() - began)
    finally:
        screen.close()
    return taken[1:]  # with the first save the page's libraries are imported


def main(saves: int) -> int:
    medians = []
    print(f"{'':24}{'min s':>8}{'median s':>10}{'max s':>8}")
    for name, tree in (("layers.py alone", "student"), ("everything written", "reference")):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder) / "work"
            shutil.copytree(ROOT / tree, work)
            taken = times(work, saves)
        medians.append(statistics.median(taken))
        print(f"{name:24}{min(taken):8.3f}{medians[-1]:10.3f}{max(taken):8.3f}")
    return int(max(medians) > BOUND)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
