"""What the processes of a pool find loaded."""

import os
import subprocess
import sys

import pytest

from grader.course.pool import HOMEWORK
from grader.sandbox.launch import ROOT

ASKED = """\
from grader.course import ahead, job, result_keys
print(job.loaded.cache_info().currsize, result_keys.parsed.cache_info().currsize > 50)
"""


@pytest.mark.parametrize(
    ("folder", "found"),
    [(ROOT / "grader" / "homework", "1 True"), (ROOT / "no-such-folder", "0 False"), ("", "0 False")],
    ids=["homework", "gone", "none"],
)
def test_a_homework_and_what_its_code_imports_are_kept_and_one_that_cannot_be_loaded_is_left_to_the_jobs(folder, found):
    run = subprocess.run(
        [sys.executable, "-c", ASKED],
        env=os.environ | {HOMEWORK: str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (run.stdout.strip(), run.stderr) == (found, "")


POOL = """\
import sys
from pathlib import Path
from grader.course.pool import Pool

if __name__ == "__main__":
    pool = Pool(1, Path(sys.argv[1]), Path(sys.argv[2]))
    loaded = "__import__('grader.course.job').course.job.loaded.cache_info().currsize"
    print(pool.start().submit(eval, loaded).result())
    pool.stop()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a fork server is Linux's way to start them")
def test_a_pools_processes_find_its_homework_loaded(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", POOL, str(tmp_path), str(ROOT / "grader" / "homework")],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (run.stdout.strip(), run.stderr) == ("1", "")
