"""The README's "Your first homework", walked: its files are written and its commands run, as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PAGE = (PROJECT / "README.md").read_text(encoding="utf-8")
STEP = re.compile(r"(?:^`(?P<file>\S+)`\n\n)?^```(?P<form>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = PAGE.partition("### Your first homework\n")[2].partition("\n## ")[0]


def typed(line: str, folder: Path) -> tuple[int, str]:
    """Exit code and output of a command, typed in `folder`, where grade.py is the project's."""
    words = shlex.split(line)
    assert words[0] == "python", line
    words = [str(PROJECT / word) if word == "grade.py" else word for word in words[1:]]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.medium
def test_an_instructor_comes_from_nothing_to_a_graded_step(tmp_path):
    said: list[str] = []
    written = []
    for step in STEP.finditer(SECTION):
        if step["form"] == "sh":
            for line in step["text"].splitlines():
                code, output = typed(line, tmp_path)
                assert code == 0, f"{line}\n{output}"
                said.append(output)
        else:
            assert step["file"], f"a block without the name of its file: {step['text'][:60]}"
            path = tmp_path / step["file"]
            assert path.is_file(), f"new-homework writes no {step['file']}"
            path.write_text(step["text"], encoding="utf-8")
            written.append(step["file"])
    assert len(written) == 5
    assert len(said) == 5
    # What follows is on standard error: a busy machine is told how far the command is.
    assert [output.partition("\n")[0] for output in (said[1], said[3])] == ["this homework is consistent"] * 2
    score = re.search(r"says `(Score: [^`]+)`", SECTION)
    assert score
    assert score[1] in said[-1]
    assert "rnn_step" in (tmp_path / "rnn/student/work.py").read_text(encoding="utf-8")
    assert "tanh" not in (tmp_path / "rnn/student/work.py").read_text(encoding="utf-8")
