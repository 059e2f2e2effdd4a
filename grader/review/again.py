"""Grades some students again, alone, as a batch of its own beside the server: everyone else's results are reused."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from grader.course.gradebook import Run
from grader.errors import UsageError
from grader.sandbox.launch import ROOT

MOST = 2000  # students at a time
PATHS = {"roster": "--roster", "extensions": "--extensions", "data_root": "--data-root", "homework": "--homework"}
FLAGS = ("no_html", "after_due", "full", "unverified", "allow_unsafe")


@dataclass(slots=True)
class Again:
    """At most one such batch at a time."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    who: str = ""
    said: IO[bytes] | None = None

    def begin(self, run: Run, students: Sequence[str], who: str) -> None:
        """Start it. Raises UsageError if one is running."""
        if self.state() == "running":
            raise UsageError(f"{self.who} is being graded again; wait for that")
        self.who, self.said = who, tempfile.TemporaryFile()  # noqa: SIM115 - for as long as the process runs
        self.process = subprocess.Popen(
            command(self.folder, run, students[:MOST]), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.said,
        )  # fmt: skip

    def state(self) -> str:
        """ "", "running", "done", or why it ended otherwise."""
        if self.process is None:
            return ""
        code = self.process.poll()
        if code is None:
            return "running"
        if code in (0, 3):
            return "done"
        assert self.said is not None
        self.said.seek(0)
        return self.said.read().decode("utf-8", "replace").strip().rpartition("\n")[2] or f"it ended with {code}"

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()


def command(folder: Path, run: Run, students: Sequence[str]) -> list[str]:
    """The command that a person would type: the run's own options, and the students whose results do not count."""
    given = run.settings
    out = str(folder.resolve())  # which is started in another folder than this one
    words = [sys.executable, "-m", "grader", "batch", given["folder"], "--out", out, "--seed", str(run.seed)]
    words += [word for name, flag in PATHS.items() if given.get(name) for word in (flag, given[name])]
    words += [f"--{name.replace('_', '-')}" for name in FLAGS if given.get(name)]
    words += [word for task in given.get("only", ()) for word in ("--task", task)]
    words += ["--layout", given["layout"]] if given.get("layout") else []
    words += ["--audience", given["audience"]] if given.get("audience") else []
    words += [word for one in students for word in ("--again", one)]
    return words
