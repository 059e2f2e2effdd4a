"""A class, graded: the same as one by one, whatever dies meanwhile, and nothing twice."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from grader import batch, bench, database, keys
from grader.batch import Batch, Progress
from grader.bench import Done, Job, Place
from grader.check import ROOT
from grader.claim import claim
from grader.command import batch as command
from grader.errors import UsageError
from grader.gradebook import Gradebook
from grader.keys import Terms
from grader.launch import Zygotes
from grader.layouts import LAYOUTS, recognise
from grader.model import Verdict
from grader.pool import Pool
from grader.report import json as report_json
from grader.report.wording import clock

HOMEWORK = Place()
SUBMISSIONS = Path(__file__).parent / "submissions"
STARRED = {path.name: path for path in (ROOT / "reference").rglob("*.py")}
WANTED = ("functions.py", "layers.py", "two_layer_net.py", "train.py")
CLASS = (
    "right-loops",
    "wrong-nan",
    "wrong-fc-bias-mean",
    "odd-sys-exit-at-import",
    "right-tabs",
    "wrong-l2-without-half",
)


def class_of(folder: Path, *names: str) -> Path:
    """A folder with a submission for each name of tests/submissions, over the reference."""
    for name in names:
        target = folder / name
        target.mkdir(parents=True)
        for base in WANTED:
            own = SUBMISSIONS / name / base
            shutil.copyfile(own if own.is_file() else STARRED[base], target / base)
    return folder


@pytest.fixture
def book(tmp_path):
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=5)
        yield book


class AtOnce(Executor):
    """Does each job as it is handed in, here."""

    def submit(self, work: Callable[..., Done], /, *args: Any) -> Future[Done]:
        future: Future[Done] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class Workers:
    """Workers whose executors are `AtOnce`; counts what was started."""

    width = 2

    def __init__(self) -> None:
        self.started = self.stopped = 0

    def start(self) -> Executor:
        self.started += 1
        return AtOnce()

    def stop(self) -> None:
        self.stopped += 1


Act = Callable[[Job, int], Done]  # what becomes of a job on its n-th time, from 1


@pytest.fixture
def scripted(monkeypatch):
    """Put a script in place of the grading; gives the jobs that were done, in order."""

    def put(act: Act) -> list[Job]:
        jobs: list[Job] = []

        def work(place: Place, terms: Terms, job: Job) -> Done:
            jobs.append(job)
            return act(job, sum(one.student == job.student for one in jobs))

        monkeypatch.setattr(bench, "work", work)
        return jobs

    return put


def graded(job: Job, verdict: Verdict = Verdict.PASS, starved: float = 0.0, seed: int = 5) -> Done:
    """As if every check of the job's tasks had ended in `verdict`."""
    homework, terms = bench.homework_at(HOMEWORK.homework), Terms(seed)
    results = {}
    for task in job.tasks:
        document = json.loads(json.dumps(batch.fault(homework, terms, task, "")))
        for item in document["task"]["items"]:
            for check in item["checks"]:
                if check["verdict"] == "INTERNAL":
                    check["verdict"] = verdict.value
                    check["earned"] = check["points"] if verdict is Verdict.PASS else 0.0
            item["score"] = sum(check["earned"] for check in item["checks"])
        results[task] = document
    report = bench.put_together(job.submission, homework, terms, {**job.kept, **results})
    pages = {audience: bench.page(report, job.remarks, audience) for audience in job.audiences}
    return Done(results, report_json.document(report), pages, starved)


def run(book: Gradebook, folder: Path, only: tuple[str, ...] = ("2",), **options: Any) -> Progress:
    made = {"workers": Workers(), "audiences": ()} | options
    return Batch(book, book.run(), HOMEWORK, Terms(5, only), **made).grade(recognise(folder))


# Faults, and whose they are


def test_a_process_that_dies_costs_nothing_and_what_kills_it_again_is_for_a_person(book, tmp_path, scripted):
    def act(job: Job, time: int) -> Done:
        if job.student == "wrong-nan" or (job.student == "right-tabs" and time == 1):
            raise BrokenExecutor
        return graded(job)

    folder = class_of(tmp_path / "in", *CLASS)
    jobs, workers = scripted(act), Workers()
    progress = run(book, folder, workers=workers)
    assert progress.faults == ["wrong-nan"]
    assert (progress.graded, progress.done) == (6, 6)
    for name in CLASS:
        assert sum(job.student == name for job in jobs) == (2 if name in ("wrong-nan", "right-tabs") else 1)
        assert book.report(name).score == (0 if name == "wrong-nan" else 20)
    report = book.report("wrong-nan")
    assert {check.verdict for check in report.checks} == {Verdict.INTERNAL}
    assert "the process that graded it ended" in report.checks[0].message
    assert len(report.needs_review) == len(report.checks)
    assert workers.started > 1
    assert workers.stopped == 1


def test_what_was_left_to_a_person_is_not_kept_as_a_result(book, tmp_path, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    scripted(lambda job, time: graded(job, Verdict.INTERNAL))
    assert run(book, folder).faults == ["right-tabs"]
    jobs = scripted(lambda job, time: graded(job))
    book.begin(seed=5)
    assert run(book, folder).faults == []
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
    assert progress.faults == []
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
    assert progress.faults == []


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
    assert progress.faults == []


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
    assert run(book, class_of(tmp_path / "in", "right-tabs")).faults == ["right-tabs"]
    assert len(jobs) == 2
    assert "ZeroDivisionError: in the grader" in book.report("right-tabs").checks[0].message


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
    assert (progress.graded, progress.faults) == (1, [])
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
    of_tasks = keys.of_tasks
    monkeypatch.setattr(keys, "of_tasks", lambda *args: of_tasks(*args) | {"2": "another tolerance"})
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


# One run at a time


def test_a_second_run_is_refused_and_told_who_the_first_is(tmp_path):
    with claim(tmp_path) as scratch:
        code = (
            "import sys; from pathlib import Path; from grader.claim import claim\nwith claim(Path(sys.argv[1])): pass"
        )
        other = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
        assert f"in use by another run (process {os.getpid()} on " in other.stderr
    assert not scratch.exists()
    with claim(tmp_path):
        pass


def test_a_killed_runs_lock_and_temporary_files_are_gone(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from grader.claim import claim\n"
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
    (tmp_path / "running.lock").write_text("no json")
    with claim(tmp_path):
        pass


# The pool


def test_a_job_for_other_code_is_refused(monkeypatch):
    monkeypatch.setattr(keys, "of_tasks", lambda *args: {"2": "here"})
    monkeypatch.setattr(bench.Bench, "hold", lambda self, section: None)
    monkeypatch.setattr(bench, "STARTED", time.time())
    with Zygotes() as zygotes:
        made = bench.Bench(HOMEWORK, Terms(5), zygotes)
        made.check({"2": "here"})
        with pytest.raises(UsageError, match="task 2 rests on other code"):
            made.check({"2": "there"})
        monkeypatch.setattr(bench, "STARTED", 0.0)
        with pytest.raises(UsageError, match=r"changed after its worker on .* started; restart it"):
            bench.Bench(HOMEWORK, Terms(5), zygotes)


def test_an_unconfined_machine_is_refused_unless_allowed(monkeypatch):
    monkeypatch.setattr(bench, "required", lambda held: ("nothing ensures that it stays put (fs)",))
    section = bench.homework_at(None).rubric.sections[0]
    with Zygotes() as zygotes:
        with pytest.raises(UsageError, match=r"would not be confined on .*stays put \(fs\); .*--allow-unsafe"):
            bench.Bench(HOMEWORK, Terms(5), zygotes).hold(section)
        bench.Bench(HOMEWORK, Terms(5, allow_unsafe=True), zygotes).hold(section)


# The command


def grade(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "grade.py"), "batch", *map(str, arguments)],
        capture_output=True, text=True, timeout=300, cwd=ROOT, check=False, **options,
    )  # fmt: skip


def reports(folder: Path) -> dict[str, Any]:
    """Every report of the last run, without how long its checks took and which text the grader's files had."""
    with Gradebook.open(folder) as book:
        found = {id_: report_json.document(book.report(id_)) for id_ in book.graded()}
    return {id_: timeless(document) for id_, document in found.items()}


VARIES = ("seconds", "memory", "grader_digest")  # the last, so that editing beside a long test does not fail it


def timeless(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: timeless(value) for key, value in document.items() if key not in VARIES}
    return [timeless(value) for value in document] if isinstance(document, list) else document


@pytest.mark.slow
def test_a_class_gets_what_each_gets_alone(tmp_path):
    folder = class_of(tmp_path / "in", *CLASS)
    out = tmp_path / "out"
    done = grade(folder, "--out", out, "--task", "1", "--task", "2", "--seed", "9", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert "6 graded" in done.stdout
    assert "graded 1, 2 alone; for all tasks, run the batch again without --task" in done.stdout
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
        assert progress.faults == []
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
        begun = attempt > 0 and (out / database.FILE).is_file() and runs(out) == [None]
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


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere", "--out", "out"], "nowhere cannot be read"),
        (["in", "--out", "out", "--jobs", "0"], "at least one submission"),
        (["in", "--out", "out", "--task", "77"], "no task 77"),
        (["in", "--out", "out", "--due", "tomorrow"], "--due tomorrow is no time"),
        (["in", "--out", "out", "--resume"], "holds no run yet"),
        (["in", "--out", "file"], "cannot be made"),
        (["in", "--out", "in/graded"], r"in.graded lies in in, and would be taken for a submission; name a folder"),
        (["in", "--out", "in"], "lies in in"),
        (["in", "--out", "out", "--data-root", "nowhere"], "--data-root nowhere is no folder"),
        (["in", "--out", "out", "--due", ""], "--due  is no time"),
        (["in", "--out", "out", "--roster", "no.csv"], "no.csv cannot be read"),
    ],
)
def test_usage_is_a_sentence(tmp_path, monkeypatch, arguments, says):
    class_of(tmp_path / "in", "right-tabs")
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=says):
        command.run(command.parser().parse_args(arguments))


def test_resume_goes_on_with_the_last_run_as_it_was_started(tmp_path, monkeypatch, scripted):
    class_of(tmp_path / "in", *CLASS[:3])
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    base = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--no-html"]

    def type_(*more: str) -> int:
        return command.run(command.parser().parse_args([*base, *more]))

    def act(job: Job, time: int) -> Done:
        if job.student == "wrong-nan":
            raise KeyboardInterrupt
        return graded(job, seed=7)

    scripted(act)
    assert type_("--task", "2", "--seed", "7", "--due", "2026-11-20T23:59+00:00") == 130
    jobs = scripted(lambda job, time: graded(job, seed=7))
    for more in (("--task", "1"), ("--seed", "0"), ("--full",), ("--due", "2026-11-21"), ("--audience", "staff")):
        with pytest.raises(UsageError, match=f"--resume goes on with run 1 as it was started; leave out {more[0]}"):
            type_("--resume", *more)
    assert type_("--resume", "--task", "2", "--due", "2026-11-21T00:59+01:00") == 0
    assert [job.student for job in jobs] == ["wrong-nan"]
    with Gradebook.open(tmp_path / "out") as book:
        (only,) = book.runs()
        assert only.due is not None
        assert only.ended is not None
        assert book.graded() == set(CLASS[:3])
        assert [task.id for task in book.report("wrong-nan").tasks] == ["2"]
    with pytest.raises(UsageError, match="run 1 was finished"):
        type_("--resume")
    assert type_("--task", "2") == 0
    with Gradebook.open(tmp_path / "out") as book:
        assert [each.seed for each in book.runs()] == [7, 7]


def test_resume_takes_the_class_list_and_all_else_from_the_run(tmp_path, monkeypatch, scripted):
    folder, out, roster = class_of(tmp_path / "in", *CLASS[:2]), tmp_path / "out", tmp_path / "class.csv"
    roster.write_text("Student,ID\n" + "".join(f'"{name}",{at}\n' for at, name in enumerate(CLASS[:2])))
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    monkeypatch.chdir(tmp_path)

    def type_(*words: str) -> int:
        return command.run(command.parser().parse_args([*words, "--out", "out"]))

    def act(job: Job, time: int) -> Done:
        if job.student == CLASS[1]:
            raise KeyboardInterrupt
        return graded(job)

    jobs = scripted(act)
    more = ("--roster", "class.csv", "--audience", "staff", "--fresh", "--layout", "plain", "--allow-unsafe")
    assert type_("in", "--seed", "5", *more) == 130
    jobs = scripted(lambda job, time: graded(job))
    class_of(tmp_path / "other", *CLASS[:2])
    told = f"run 1 is of the class in {re.escape(str(folder))}; name that folder, or leave out --resume"
    with pytest.raises(UsageError, match=told):
        type_("other", "--resume")
    with pytest.raises(UsageError, match="leave out --layout"):
        type_("in", "--resume", "--layout", "canvas")
    monkeypatch.chdir(tmp_path / "in")
    assert command.run(command.parser().parse_args([".", "--out", "../out", "--resume"])) == 0
    assert [job.student for job in jobs] == [CLASS[1]]
    with Gradebook.open(out) as book:
        assert [book.student(name).ids["ID"] for name in CLASS[:2]] == ["0", "1"]
        assert book.run().settings["roster"] == str(roster)
    assert (out / "reports" / f"{CLASS[1]}.staff.html").is_file()
    assert (out / "index.html").is_file()


def test_a_run_of_before_what_it_was_asked_for_was_kept_is_gone_on_with(tmp_path, monkeypatch, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=5, settings={"only": ["2"], "full": False, "unverified": False})
    scripted(lambda job, time: graded(job))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--resume", "--no-html"]
    assert command.run(command.parser().parse_args(arguments)) == 0


def test_the_due_date_is_kept_as_the_seed_is_and_told(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", "right-tabs")
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    scripted(lambda job, time: graded(job))

    def type_(*more: str) -> str:
        arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--task", "2", "--seed", "5", *more]
        assert command.run(command.parser().parse_args(arguments)) == 0
        return capsys.readouterr().out

    assert "due 20" not in type_()
    first = clock(datetime.fromisoformat("2026-11-20T12:00+00:00"))
    assert f"due {first}\n" in type_("--due", "2026-11-20T12:00+00:00")
    assert f"due {first}, as in run 2\n" in type_()
    assert f"due {clock(datetime.fromisoformat('2026-11-21T12:00+00:00'))}\n" in type_(
        "--due", "2026-11-21T12:00+00:00"
    )
    with Gradebook.open(tmp_path / "out") as book:
        assert [run.due and run.due.day for run in book.runs()] == [None, 20, 20, 21]


def test_a_fault_is_exit_code_3_and_what_cannot_be_read_is_listed(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", *CLASS[:2])
    (folder / "bad.zip").write_bytes(b"PK\3\4")
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    scripted(lambda job, time: graded(job, Verdict.INTERNAL))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--task", "2"]
    assert command.run(command.parser().parse_args(arguments)) == 3
    said = capsys.readouterr().out
    assert "2 graded, 0 unchanged, 1 unreadable" in " ".join(said.split())
    assert "✗ bad: " in said
    assert "? wrong-nan: a fault of the grader" in said


def test_what_a_person_should_know_is_said_before_and_after(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", "right-tabs", "wrong-nan")
    roster = tmp_path / "roster.csv"
    roster.write_text("name,email\nright-tabs,r@x\n")
    (tmp_path / "data").mkdir()
    (folder / "..evil").mkdir()
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    scripted(lambda job, time: graded(job))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--roster", str(roster),
                 "--due", "2026-11-20", "--data-root", str(tmp_path / "data"), "--task", "2", "--task",
                 "4"]  # fmt: skip
    assert command.run(command.parser().parse_args(arguments)) == 0
    said = capsys.readouterr()
    assert "grade.py: notice: task 4 on stand-in data, as the data set is not here" in said.err
    assert "? wrong-nan: not in the class list, or not clearly; name what they handed in after an id there" in said.out
    assert "? ..evil: left out, as the name begins with a dot; rename what is a student's" in said.out
    assert "? right-tabs, wrong-nan: it is not known when, so not late" in said.out
    with Gradebook.open(tmp_path / "out") as book:
        assert book.run().due == datetime(2026, 11, 20, 23, 59, 59).astimezone()


def test_a_task_of_which_nothing_is_trained_needs_no_data(tmp_path, monkeypatch, scripted, capsys):
    folder = class_of(tmp_path / "in", "right-tabs")
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    scripted(lambda job, time: graded(job))
    arguments = [str(folder), "--out", str(tmp_path / "out"), "--no-html", "--data-root", str(tmp_path / "data")]
    assert command.run(command.parser().parse_args([*arguments, "--task", "4.1"])) == 0
    assert "stand-in" not in capsys.readouterr().err


def test_a_console_without_unicode_gets_plain_marks(tmp_path, monkeypatch, scripted):
    folder = class_of(tmp_path / "in", "right-tabs")
    (folder / "bad.zip").write_bytes(b"PK\3\4")
    monkeypatch.setattr(command, "Pool", lambda jobs, scratch: Workers())
    scripted(lambda job, time: graded(job))
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert command.run(command.parser().parse_args([str(folder), "--out", str(tmp_path / "out"), "--no-html"])) == 0
    sys.stdout.flush()
    assert b"x bad: " in raw.getvalue()


def test_progress_is_told_in_lines_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(command, "PAUSE", 0.0)
    progress = Progress(10, kept=2, graded=4, failed=1, running=[("ada", 75.4), ("bob", 1.0)], seconds=8.0)
    with command.display() as show:
        show(progress)
    line = capsys.readouterr().err
    assert line == "7 of 10; 1 unreadable; 2 running; about 0:06 left; slowest ada, 1:15\n"
    assert "\x1b" not in line


def test_a_cluster_without_workers_is_told():
    assert command.told(Progress(10, idle=True)) == "0 of 10; no workers yet"


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


def test_the_readme_is_true():
    shown = {action.option_strings[-1] for action in command.parser()._actions if action.option_strings} - {"--help"}
    page = (ROOT / "README.md").read_text(encoding="utf-8").partition("### A whole class\n")[2].partition("\n##")[0]
    assert set(re.findall(r"^\| `(--[a-z-]+)", page, re.MULTILINE)) == shown
    for name in LAYOUTS:
        assert f"`{name}`" in page


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="confinement is built for Linux")
def test_attackers_in_a_class_change_no_honest_score(tmp_path):
    from test_attacks import ATTACKS, constants, hand_in, patient

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
