"""A homework's own code that does not end is stopped, and named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader import clock, grading, loading
from grader.command.check_homework import handed_in
from grader.errors import UsageError
from grader.model import Verdict

pytestmark = [
    pytest.mark.medium,
    pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no clock of a process's own time here"),
]
ROOT = Path(__file__).parents[1]
LOOP = "while True:\n{0}    try:\n{0}        [n for n in range(99)]\n{0}    except Exception:\n{0}        pass\n"


def loop_in_a_check(folder: Path) -> None:
    """And one that works after it."""
    path = folder / "checks.py"
    text = path.read_text()
    body = text.partition("@check")[2].replace("def weighted_sum", "def second")
    text = text.replace("    sizes =", f"    {LOOP.format('    ')}    sizes =")
    path.write_text(f"{text}\n\n@check{body}")
    plan = folder / "rubric.yaml"
    plan.write_text(plan.read_text().replace("[weighted_sum]", "[weighted_sum, second]"))


def hurry(folder: Path) -> None:
    plan = folder / "rubric.yaml"
    plan.write_text(f"limits: {{submission_cpu: 0.2, check_wall: 0.3}}\n{plan.read_text()}")


def test_a_check_that_does_not_end_is_a_fault_and_the_next_one_is_graded(folder):
    loop_in_a_check(folder)
    hurry(folder)
    homework = loading.load(folder)
    report = grading.grade(handed_in(homework, homework.reference), homework, seed=1)
    first, second = report.checks
    assert first.verdict is Verdict.INTERNAL
    assert "the check weighted_sum (checks.py:9) had computed for 0.5 s and did not end" in first.message
    assert second.verdict is Verdict.PASS
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


@pytest.mark.parametrize("name", ["checks.py", "reference/work.py"])
def test_an_import_that_does_not_end_is_told_with_its_line(folder, name):
    hurry(folder)
    path = folder / name
    path.write_text(f"{path.read_text()}\n{LOOP.format('')}")
    with pytest.raises(UsageError, match=r"(?s)\.py:\d+: Endless: the import of .* had computed for 0.5 s"):
        loading.load(folder)


@pytest.mark.parametrize("name", ["checks.py", "reference/work.py"])
@pytest.mark.parametrize("call", ["os._exit(0)", "sys.exit(0)", "exit()"])
def test_an_import_that_ends_its_process_does_not_end_the_grader(folder, name, call):
    path = folder / name
    path.write_text(f"{path.read_text()}\nimport os, sys\n{call}\n")
    leave = os._exit
    with pytest.raises(UsageError, match=rf"(?s){name}:\d+: SystemExit: .*; correct"):
        loading.load(folder)
    assert os._exit is leave


def test_a_check_that_ends_its_process_is_a_fault(folder):
    path = folder / "checks.py"
    path.write_text(path.read_text().replace("    sizes =", "    import os\n\n    os._exit(0)\n    sizes ="))
    homework = loading.load(folder)
    (result,) = grading.grade(handed_in(homework, homework.reference), homework, seed=1).checks
    assert result.verdict is Verdict.INTERNAL
    assert "the check weighted_sum (checks.py:9) called os._exit(0)" in result.message


@pytest.mark.parametrize(("where", "number"), [("check", signal.SIGTERM), ("import", signal.SIGINT)])
def test_a_signal_ends_them_and_says_where(folder, number, where, tmp_path):
    if where == "check":
        loop_in_a_check(folder)
        path = folder / "checks.py"
        begin = f"    open({str(tmp_path / 'there')!r}, 'w').close()\n    while True:"
        path.write_text(path.read_text().replace("    while True:", begin))
        said = "interrupted in the check weighted_sum (checks.py:9); the table shows"
    else:
        path = folder / "checks.py"
        path.write_text(f"open({str(tmp_path / 'there')!r}, 'w').close()\n{LOOP.format('')}")
        said = f"interrupted in the import of {path} before the report was written\n"
    run = subprocess.Popen(
        [sys.executable, str(ROOT / "grade.py"), str(folder / "reference"), "--homework", str(folder), "--no-html"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "there").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(number)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 130
    assert said in err
    assert "Traceback" not in err


def test_a_signal_that_python_loses_comes_again(folder):
    """What is raised while an object is deleted is printed, and no more."""
    loop_in_a_check(folder)
    path = folder / "checks.py"
    lost = "class Lost:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGTERM)\n\n\n@check"
    text = path.read_text().replace("@check", lost, 1).replace("    while True:", "    Lost()\n    while True:")
    path.write_text(text.replace("import numpy", "import os\nimport signal\n\nimport numpy"))
    run = subprocess.run(
        [sys.executable, str(ROOT / "grade.py"), str(folder / "reference"), "--homework", str(folder), "--no-html"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert run.returncode == 130
    assert "Exception ignored in: <function Lost.__del__" in run.stderr
    assert "interrupted in the check weighted_sum" in run.stderr


def test_a_clock_that_ends_in_the_last_moment_stops_nothing_that_comes_after():
    before = signal.getsignal(signal.SIGVTALRM)
    with clock.clock("the check", 60.0):
        end = signal.getsignal(signal.SIGVTALRM)
        with pytest.raises(clock.Endless):
            end(signal.SIGVTALRM, None)
    end(signal.SIGVTALRM, None)
    assert signal.getsignal(signal.SIGVTALRM) == before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
