"""One run at a time in one folder, and what a killed one left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.course.folder_lock import FILE, claim, running


def test_a_second_run_is_refused_and_told_who_the_first_is(tmp_path):
    with claim(tmp_path) as scratch:
        code = (
            "import sys; from pathlib import Path; from grader.course.folder_lock import claim\n"
            "with claim(Path(sys.argv[1])): pass"
        )
        other = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
        assert f"in use by another run (process {os.getpid()} on " in other.stderr
    assert not scratch.exists()
    with claim(tmp_path):
        pass


def test_a_killed_runs_lock_and_temporary_files_are_gone(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from grader.course.folder_lock import claim\n"
        "with claim(Path(sys.argv[1])) as scratch: (scratch / 'x').mkdir(); print(scratch, flush=True); time.sleep(60)"
    )
    first = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
    with first:
        assert first.stdout is not None
        scratch = Path(first.stdout.readline().strip())
        first.kill()
    assert scratch.is_dir()
    with claim(tmp_path) as own:
        assert not scratch.exists()
        assert own.is_dir()


def test_a_lock_file_never_names_a_folder_to_delete_elsewhere(tmp_path):
    precious = tmp_path / "backgrade-batch-precious"
    precious.mkdir()
    told = {"host": os.uname().nodename, "scratch": str(precious)}
    (tmp_path / "running.lock").write_text(json.dumps(told))
    with claim(tmp_path):
        assert precious.is_dir()
    for text in ("no json", "[" * 100_000):
        (tmp_path / "running.lock").write_text(text)
        with claim(tmp_path):
            pass


@pytest.mark.parametrize(
    ("changed", "alive"),
    [
        ({}, True),
        ({"since": "2001-02-03 04:05:06+00:00"}, False),  # another process has the number of one that is gone
        ({"host": "elsewhere"}, False),
        ({"pid": 1 << 40}, False),
        ({"pid": "1"}, False),
        ({"since": "yesterday"}, False),
    ],
    ids=["this one", "number given again", "another machine", "no such process", "no number", "no time"],
)
def test_a_run_is_alive_if_its_own_process_is(tmp_path, changed, alive):
    with claim(tmp_path):
        file = tmp_path / FILE
        file.write_text(json.dumps(json.loads(file.read_text()) | changed))
        assert running(tmp_path) is alive
    assert not running(tmp_path)
