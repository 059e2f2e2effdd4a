"""The pool: ended in time whatever it is at."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from grader.errors import UsageError
from grader.launch import ROOT
from grader.pool import Pool

LARGE = 20_000_000  # bytes of an answer: whenever a process dies, it is in the middle of one

STARTS = """\
import os, psutil, sys
from concurrent.futures import wait
from pathlib import Path
from grader.pool import Pool

def pool_processes():
    below = psutil.Process().children(recursive=True)
    return [one for one in below if one.ppid() != os.getpid() and "forkserver" in " ".join(one.cmdline())]

if __name__ == "__main__":
    for trial in range(4):
        pool = Pool(2, Path(sys.argv[1]))
        executor = pool.start()
        answers = [executor.submit(bytes, {large}) for _ in range(12)]
        wait(answers[:3])
        {then}
        pool.stop()
"""
KILLED = """
        pool_processes()[0].kill()
        wait(answers)
        assert any(answer.exception() for answer in answers)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="they are found by Linux's way to start them")
@pytest.mark.parametrize("then", ["", KILLED], ids=["stopped", "killed"])
def test_processes_that_end_in_the_middle_of_an_answer_hold_nobody_up(tmp_path, then):
    """In a process of its own, which can be ended where it hangs."""
    script = STARTS.format(large=LARGE, then=then.strip())
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, timeout=60, check=True)


def test_an_answer_or_an_error_comes_through_and_leaves_no_file(tmp_path):
    pool = Pool(1, tmp_path)
    try:
        executor = pool.start()
        assert executor.submit(sorted, [2, 1], reverse=True).result(60) == [2, 1]
        with pytest.raises(UsageError, match="a sentence"):
            executor.submit(refuse, "a sentence").result(60)
        assert list(tmp_path.iterdir()) == []
    finally:
        pool.stop()


def refuse(sentence: str) -> None:
    raise UsageError(sentence)
