"""A class, graded: the same as one by one, whatever dies meanwhile, and nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from classes import CLASS, HOMEWORK, WANTED, AtOnce, Workers, class_of, grade, graded, reports, timeless

from grader.course import batch, database, result_keys
from grader.course.batch import Batch, Progress
from grader.course.class_folder import recognise
from grader.course.folder_lock import claim
from grader.course.gradebook import Gradebook
from grader.course.job import Done, Job, drawn
from grader.course.pool import Pool
from grader.course.result_keys import Terms
from grader.errors import UsageError
from grader.loading import ROOT
from grader.model import Remarks, Report, Verdict
from grader.report import json as report_json
from grader.sandbox.reader import ReaderFault

pytestmark = pytest.mark.medium


@pytest.fixture
def book(tmp_path):
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=5)
        yield book


def run(book: Gradebook, folder: Path, only: tuple[str, ...] = ("2",), **options: Any) -> Progress:
    made = {"workers": Workers(), "audiences": ()} | options
    return Batch(book, book.run(), HOMEWORK, Terms(5, only), **made).grade(recognise(folder))


def test_the_reference_is_read_once_before_anyones_work(book, tmp_path, scripted, monkeypatch):
    """Readers are forked from this process, and find made what that makes."""
    read: list[str] = []
    own = Batch.read
    monkeypatch.setattr(batch.submission, "prepare", lambda reference, wanted: read.append(reference.name))
    monkeypatch.setattr(Batch, "read", lambda self, student: read.append(student.id) or own(self, student))
    scripted(lambda job, time: graded(job))
    run(book, class_of(tmp_path / "in", "right-tabs", "right-loops"))
    assert read == ["reference", "right-loops", "right-tabs"]


# Faults, and whose they are


def test_a_process_that_dies_costs_nothing_and_what_kills_it_again_is_for_a_person(book, tmp_path, scripted):
    def act(job: Job, time: int) -> Done:
        if job.student == "wrong-nan" or (job.student == "right-tabs" and time == 1):
            raise BrokenExecutor
        return graded(job)

    folder = class_of(tmp_path / "in", *CLASS)
    jobs, workers = scripted(act), Workers()
    progress = run(book, folder, workers=workers)
    assert list(progress.faults) == ["wrong-nan"]
    assert (progress.graded, progress.done) == (6, 6)
    for name in CLASS:
        assert sum(job.student == name for job in jobs) == (2 if name in ("wrong-nan", "right-tabs") else 1)
        assert book.report(name).score == (0 if name == "wrong-nan" else 20)
    report = book.report("wrong-nan")
    assert {check.verdict for check in report.checks} == {Verdict.INTERNAL}
    assert "the process that graded it ended" in report.checks[0].message
    assert len(report.needs_review) == len(report.items)  # a line for each item
    assert workers.started > 1
    assert workers.stopped == 1


def test_what_was_left_to_a_person_is_not_kept_as_a_result(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    scripted(lambda job, time: graded(job, Verdict.INTERNAL))
    assert list(run(book, folder).faults) == ["right-tabs"]
    jobs = scripted(lambda job, time: graded(job))
    book.begin(seed=5)
    assert run(book, folder).faults == {}
    assert len(jobs) == 1


def test_a_fault_in_one_check_is_retried_once_with_its_task_alone(book, tmp_path, scripted):
    def act(job: Job, time: int) -> Done:
        done = graded(job)
        if time == 1:
            faulty = graded(job, Verdict.INTERNAL).results["2"]
            return replace(done, results={**done.results, "2": faulty})
        return done

    jobs = scripted(act)
    progress = run(book, class_of(tmp_path / "in", "right-tabs"), only=("1", "2"))
    assert [sorted(job.tasks) for job in jobs] == [["1", "2"], ["2"]]
    assert set(jobs[1].kept) == {"1"}
    assert progress.faults == {}
    assert book.report("right-tabs").score == 30


def test_a_timeout_of_a_busy_machine_is_run_again_alone_before_it_costs_points(book, tmp_path, scripted):
    jobs = scripted(lambda job, time: graded(job, Verdict.TIMEOUT if time == 1 else Verdict.PASS, starved=0.9))
    run(book, class_of(tmp_path / "in", *CLASS[:3]))
    assert {job.student for job in jobs[:3]} == {job.student for job in jobs[3:]} == set(CLASS[:3])
    assert [book.report(name).score for name in CLASS[:3]] == [20, 20, 20]


@pytest.mark.parametrize(("starved", "times"), [(0.0, 1), (0.9, 2)])
def test_a_timeout_that_comes_again_or_on_a_quiet_machine_counts(book, tmp_path, scripted, starved, times):
    jobs = scripted(lambda job, time: graded(job, Verdict.TIMEOUT, starved))
    progress = run(book, class_of(tmp_path / "in", "right-tabs"))
    assert len(jobs) == times
    assert book.report("right-tabs").score == 0
    assert progress.faults == {}


def test_a_process_that_the_system_killed_is_run_again_alone_before_it_costs_points(book, tmp_path, scripted):
    def act(job: Job, time: int) -> Done:
        ended = (Verdict.FAIL, True) if job.student == "wrong-nan" or time == 1 else (Verdict.PASS, False)
        done = graded(job, ended[0])
        for check in batch.checks(done.results["2"]):
            check["killed"] = ended[1]
        return done

    jobs = scripted(act)
    progress = run(book, class_of(tmp_path / "in", "right-tabs", "wrong-nan"))
    assert sorted(job.student for job in jobs) == ["right-tabs"] * 2 + ["wrong-nan"] * 2
    assert [book.report(name).score for name in ("right-tabs", "wrong-nan")] == [20, 0]
    assert progress.faults == {}
    run(book, tmp_path / "in")
    assert sorted(job.student for job in jobs[4:]) == ["wrong-nan"] * 2  # killed again, so it is not kept as a result


@pytest.mark.parametrize("error", [UsageError("the data are damaged"), OSError(28, "No space left on device")])
def test_what_a_user_can_cure_ends_the_run_and_keeps_what_is_done(book, tmp_path, scripted, error):
    def act(job: Job, time: int) -> Done:
        if job.student == "wrong-nan":
            raise error
        return graded(job)

    scripted(act)
    with pytest.raises(UsageError, match=r"damaged|No space left on device.*--resume"):
        run(book, class_of(tmp_path / "in", "odd-segfault", "right-tabs", "wrong-nan"))
    assert book.graded() == {"odd-segfault", "right-tabs"}
    assert book.run().ended is None


def test_any_other_exception_is_retried_and_then_told(book, tmp_path, scripted):
    def act(job: Job, time: int) -> Done:
        raise ZeroDivisionError("in the grader")

    jobs = scripted(act)
    assert list(run(book, class_of(tmp_path / "in", "right-tabs")).faults) == ["right-tabs"]
    assert len(jobs) == 2
    assert "ZeroDivisionError: in the grader" in book.report("right-tabs").checks[0].message


def test_a_page_that_cannot_be_drawn_is_told_with_its_reason_and_costs_nothing_else(
    book, tmp_path, scripted, monkeypatch
):
    def broken(report: Report, remarks: Remarks, audience: str) -> str:
        raise ReaderFault("Traceback\n  line 1\nKeyError: 'curves'")

    def act(job: Job, time: int) -> Done:
        if job.student == "wrong-nan":
            raise BrokenExecutor
        done = graded(replace(job, audiences=()))
        pages, undrawn = drawn(report_json.parse(done.report), job)
        return replace(done, pages=pages, undrawn=undrawn)

    monkeypatch.setattr("grader.course.job.page", broken)
    scripted(act)
    progress = run(book, class_of(tmp_path / "in", "right-tabs", "wrong-nan"), audiences=("student",))
    assert "page could not be drawn (KeyError: 'curves'); run the batch again" in progress.faults["right-tabs"]
    assert progress.faults["wrong-nan"].startswith("a fault of the grader")
    assert (progress.done, book.report("right-tabs").score) == (2, 20)


# Who is in the class


def test_the_unreadable_and_the_absent_are_in_the_gradebook(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    (folder / "bad.zip").write_bytes(b"PK\3\4 nothing")
    (folder / "empty").mkdir()
    roster = tmp_path / "roster.csv"
    roster.write_text("name,email\nright-tabs,r@x\nnobody,n@x\n")
    scripted(lambda job, time: graded(job))
    made = Batch(book, book.run(), HOMEWORK, Terms(5, ("2",)), workers=Workers(), audiences=())
    progress = made.grade(recognise(folder, roster=roster))
    assert (progress.graded, progress.failed, progress.absent) == (1, 2, 1)
    told = {student.id: student.problem for student in book.students()}
    assert "bad.zip is damaged" in told["bad"]
    assert "holds none of functions.py" in told["empty"]
    assert told["n@x"] == ""
    assert book.student("n@x").path is None
    assert book.graded() == {"right-tabs"}


def test_a_name_that_is_not_utf8_is_graded_as_any_other(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    try:
        (folder / "right-tabs").rename(folder / os.fsdecode(b"\xff\xfebad"))
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    scripted(lambda job, time: graded(job))
    progress = Batch(book, book.run(), HOMEWORK, Terms(5, ("2",)), workers=Workers()).grade(recognise(folder))
    assert (progress.graded, progress.faults) == (1, {})
    assert book.student("bad").path == f"{folder}/\\xff\\xfebad"


# Nothing twice


def test_what_has_not_changed_is_not_graded_again(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", *CLASS)
    jobs = scripted(lambda job, time: graded(job))
    run(book, folder, audiences=("student",))
    book.begin(seed=5)
    progress = run(book, folder, audiences=("student",))
    assert len(jobs) == len(CLASS)
    assert (progress.kept, progress.graded) == (len(CLASS), 0)
    assert book.graded() == set(CLASS)
    (folder / "right-tabs" / "layers.py").write_text("pass\n")
    book.begin(seed=5)
    run(book, folder, audiences=("student",))
    assert [job.student for job in jobs[len(CLASS) :]] == ["right-tabs"]


def test_only_the_task_whose_part_changed_is_graded_again(book, tmp_path, scripted, monkeypatch):
    folder = class_of(tmp_path / "in", *CLASS[:2])
    jobs = scripted(lambda job, time: graded(job))
    run(book, folder, only=("1", "2", "3"))
    of_tasks = result_keys.of_tasks
    monkeypatch.setattr(result_keys, "of_tasks", lambda *args: of_tasks(*args) | {"2": "another tolerance"})
    book.begin(seed=5)
    run(book, folder, only=("1", "2", "3"))
    assert [sorted(job.tasks) for job in jobs] == [["1", "2", "3"]] * 2 + [["2"]] * 2
    assert [task.id for task in book.report("wrong-nan").tasks] == ["1", "2", "3"]


def test_fresh_grades_everything_again(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    jobs = scripted(lambda job, time: graded(job))
    run(book, folder)
    book.begin(seed=5)
    run(book, folder, fresh=True)
    assert len(jobs) == 2
    run(book, folder, fresh=True)  # gone on with: what the run itself has graded is not graded once more
    assert len(jobs) == 2


def test_a_page_is_drawn_again_when_it_would_say_something_else_and_only_then(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", *CLASS[:2])
    jobs = scripted(lambda job, time: graded(job))
    both = {"audiences": ("student", "staff")}
    run(book, folder, **both)
    names = sorted(path.name for path in (book.folder / "reports").iterdir())
    assert names == [f"{name}{end}" for name in sorted(CLASS[:2]) for end in (".html", ".staff.html")]
    book.adjust("wrong-nan", "2.2", 4, why="a nearly right idea", author="Grace")
    (book.folder / "reports" / "right-loops.staff.html").unlink()
    progress = run(book, folder, **both)
    assert [(job.student, dict(job.tasks)) for job in jobs[2:]] == [("right-loops", {}), ("wrong-nan", {})]
    assert (progress.kept, progress.graded) == (2, 0)
    assert "a nearly right idea" in (book.folder / "reports" / "wrong-nan.html").read_text()
    run(book, folder, **both)
    assert len(jobs) == 4


def test_a_run_that_is_gone_on_with_holds_the_class_as_it_is_now(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", *CLASS[:3])
    jobs = scripted(lambda job, time: graded(job))
    run(book, folder)
    (folder / CLASS[0]).rename(tmp_path / "gone")
    (folder / CLASS[1] / "layers.py").unlink()
    (folder / CLASS[1]).rename(folder / "renamed")
    for name in WANTED:
        (folder / CLASS[2] / name).unlink()
    run(book, folder)
    assert [student.id for student in book.students()] == ["renamed", CLASS[2]]
    assert book.graded() == {"renamed"}
    assert "holds none of" in book.row(CLASS[2]).student.problem
    (tmp_path / "gone").rename(folder / CLASS[0])
    run(book, folder)
    assert len(jobs) == 4  # what was graded is kept
    assert book.graded() == {"renamed", CLASS[0]}


@pytest.mark.parametrize("audiences", [(), ("student",)])
def test_no_page_of_an_earlier_run_says_otherwise_than_the_gradebook(book, tmp_path, scripted, audiences):
    folder = class_of(tmp_path / "in", *CLASS[:3])
    scripted(lambda job, time: graded(job))
    run(book, folder, audiences=("student", "staff"))
    (folder / CLASS[0] / "layers.py").write_text("pass\n")
    for name in WANTED:
        (folder / CLASS[1] / name).unlink()
    scripted(lambda job, time: graded(job, Verdict.FAIL))
    book.begin(seed=5)
    assert run(book, folder, audiences=audiences).failed == 1
    for end in (".html", ".staff.html"):
        assert ">0 of 20<" in (book.folder / "reports" / f"{CLASS[0]}{end}").read_text(encoding="utf-8")
        assert ">20 of 20<" in (book.folder / "reports" / f"{CLASS[2]}{end}").read_text(encoding="utf-8")
        assert not (book.folder / "reports" / f"{CLASS[1]}{end}").exists()
        assert book.database.rows("SELECT 1 FROM pages WHERE path = ?", f"reports/{CLASS[1]}{end}") == []


# Progress


def test_who_waits_for_a_process_is_not_yet_at_work(book, tmp_path, scripted, monkeypatch):
    class InTime(AtOnce):
        """Does a job when it is told to, and not when it is handed in."""

        def submit(self, work: Callable[..., Done], /, *args: Any) -> Future[Done]:
            queued.append((Future(), work, args))
            return queued[-1][0]

    class Slow(Workers):
        def start(self) -> Executor:
            return InTime()

    def show(progress: Progress) -> None:
        for student, seconds in progress.running:
            first.setdefault(student, seconds)
        assert len(progress.running) <= Slow.width
        if queued:
            future, work, args = queued.pop(0)
            future.set_result(work(*args))

    queued: list[Any] = []
    first: dict[str, float] = {}
    monkeypatch.setattr(batch, "TICK", 0.01)
    scripted(lambda job, time: graded(job))
    run(book, class_of(tmp_path / "in", *CLASS[:4]), workers=Slow(), show=show)
    assert first == dict.fromkeys(sorted(CLASS[:4]), 0.0)


# The whole command


@pytest.mark.slow
def test_a_class_gets_what_each_gets_alone(tmp_path):
    folder = class_of(tmp_path / "in", *CLASS)
    out = tmp_path / "out"
    done = grade(folder, "--out", out, "--task", "1", "--task", "2", "--seed", "9", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "6 graded" in done.stdout
    assert "graded only 1, 2; for all tasks, run the batch again without --task" in done.stdout
    found = reports(out)
    for name in CLASS:
        single = subprocess.run(
            [sys.executable, str(ROOT / "grade.py"), str(folder / name), "--task", "1", "--task", "2", "--seed", "9",
             "--no-html", "--json", str(tmp_path / "one.json")],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert single.returncode == 0
        alone = timeless(json.loads((tmp_path / "one.json").read_text(encoding="utf-8")))
        assert found[name]["tasks"] == alone["tasks"], name
        assert (out / "reports" / f"{name}.html").read_text(encoding="utf-8").startswith("<!doctype html>")
        assert f'href="reports/{name}.html"' in (out / "index.html").read_text(encoding="utf-8")
    again = grade(folder, "--out", out, "--task", "1", "--task", "2", "--seed", "9")
    assert "0 graded, 6 unchanged" in again.stdout
    assert reports(out) == found


def of_the_pool(child: psutil.Process) -> bool:
    try:
        return "forkserver" in " ".join(child.cmdline()) and child.ppid() != os.getpid()
    except psutil.Error:  # it has ended since it was listed
        return False


@pytest.mark.slow
def test_a_pool_process_that_is_killed_costs_nothing(tmp_path):
    folder = class_of(tmp_path / "in", *CLASS)
    names = {"right-tabs", "right-loops"}

    class Killed(Pool):
        """Kills one of its processes once two jobs are done."""

        looks = 0

    def show(progress: Progress) -> None:
        if progress.graded >= 2 and Killed.looks == 0:
            Killed.looks = 1
            victims = [child for child in psutil.Process().children(recursive=True) if of_the_pool(child)]
            victims[0].kill()

    with Gradebook.create(tmp_path / "out") as book, claim(tmp_path / "out") as scratch:
        book.begin(seed=5)
        made = Batch(book, book.run(), HOMEWORK, Terms(5, ("1",)), workers=Killed(2, scratch), audiences=(), show=show)
        progress = made.grade(recognise(folder))
        assert Killed.looks == 1
        assert progress.faults == {}
        assert book.graded() == set(CLASS)
        assert all(book.report(name).score == 10 for name in names)


def dying(process: subprocess.Popen[str]) -> Iterator[psutil.Process]:
    """Everything that a run has started."""
    try:
        yield from psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return


@pytest.mark.slow
def test_killed_thirty_times_and_resumed_nothing_is_lost_and_nothing_graded_twice(tmp_path):
    folder = class_of(tmp_path / "in", *CLASS, "right-prints", "wrong-fc-averaged", "partial-task-1", "odd-raises")
    flags = ["--task", "1", "--no-html", "--jobs", "2"]
    undisturbed = grade(folder, "--out", tmp_path / "whole", "--seed", "3", *flags)
    assert undisturbed.returncode == 0, undisturbed.stderr
    out, moments = tmp_path / "out", random.Random(442)
    kept: dict[str, str] = {}
    left: list[psutil.Process] = []
    for attempt in range(30):
        begun = attempt > 0 and runs(out) == [None]
        more = ["--resume", *flags[2:]] if begun else ["--seed", "3", *flags]
        command_ = [sys.executable, str(ROOT / "grade.py"), "batch", str(folder), "--out", str(out), *more]
        process = subprocess.Popen(command_, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT, text=True)
        time.sleep(moments.uniform(0.2, 3.0))
        left += dying(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        now = recorded(out)
        assert kept.items() <= now.items(), "a result was lost, or graded twice"
        kept = now
    _, alive = psutil.wait_procs(left, timeout=20)
    assert not alive
    last = grade(folder, "--out", out, *(["--resume"] if runs(out) == [None] else flags), "--no-html")
    assert last.returncode == 0, last.stderr
    assert kept.items() <= recorded(out).items()
    assert reports(out) == reports(tmp_path / "whole")


def runs(out: Path) -> list[str | None]:
    if not (out / database.FILE).is_file():  # no run has come so far on a slow machine
        return []
    with sqlite3.connect(out / database.FILE) as connection:
        try:
            return [row[0] for row in connection.execute("SELECT ended FROM runs")]
        except sqlite3.OperationalError:  # killed before the tables were made
            return []
        finally:
            connection.rollback()


def recorded(out: Path) -> dict[str, str]:
    """Each result's key, and when it was recorded first."""
    if not (out / database.FILE).is_file():
        return {}
    connection = sqlite3.connect(out / database.FILE)
    try:
        return dict(connection.execute("SELECT key, recorded FROM results"))
    except sqlite3.OperationalError:
        return {}
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement is built for Linux")
def test_attackers_in_a_class_change_no_honest_score(tmp_path):
    from test_attacks import ATTACKS, hand_in
    from world import constants, patient

    honest = class_of(tmp_path / "honest", *CLASS)
    everyone = class_of(tmp_path / "everyone", *CLASS)
    (tmp_path / "homework").mkdir()
    flags = ["--task", "2.4", "--seed", "5", "--no-html", "--homework", patient(tmp_path / "homework"), "--jobs", "2"]
    victim = subprocess.Popen(["sleep", "600"])
    places = {name: str(tmp_path / name) for name in ("secret", "victim", "home", "unix", "abstract")}
    places |= {"root": str(ROOT), "process": victim.pid, "grader": victim.pid} | dict.fromkeys(
        ("tcp", "tcp6", "udp"), 9
    )
    earns = {}
    for path in ATTACKS:
        source = path.read_text(encoding="utf-8")
        hand_in(everyone / f"attack-{path.stem}", source, places)
        earns[f"attack-{path.stem}"] = constants(source).get("EARNS", 5)
    alone = grade(honest, "--out", tmp_path / "alone", *flags)
    among = grade(everyone, "--out", tmp_path / "among", *flags)
    assert victim.poll() is None
    victim.kill()
    victim.wait()
    assert (alone.returncode, among.returncode) == (0, 0), among.stderr
    found = reports(tmp_path / "among")
    assert {name: found[name] for name in CLASS} == reports(tmp_path / "alone")
    assert {name: found[name]["score"] for name in earns} == earns
