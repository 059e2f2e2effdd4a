"""After any row of saves the report is that of a run with the same seed, and only what depends on a save was run."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from grader import grading, mistakes
from grader.data.datasets import Store, root
from grader.errors import UsageError
from grader.intake.submission import read, stubs
from grader.loading import load
from grader.model import Homework, Report, Verdict
from grader.report import text
from grader.report.screen import Screen
from grader.sandbox.launch import Zygotes
from grader.watch import loop
from grader.watch.loop import Plan, Watch

pytestmark = pytest.mark.medium

ROOT = Path(__file__).resolve().parents[2]
OWN = ROOT / "grader" / "homework"
FRAMEWORK = ROOT / "tests" / "homeworks" / "framework"
QUICK = ("1", "2", "3", "4.1")  # of the own homework, what needs no training run
SEED = 11


@pytest.fixture(scope="module")
def launch() -> Iterator[Any]:
    with Zygotes() as zygotes:
        yield zygotes.launch


@lru_cache
def loaded(folder: Path) -> Homework:
    return load(folder)


class Bench:
    """A watch of a folder that a test steps through: what was graded, and what was written."""

    def __init__(self, work: Path, homework: Homework, launch: Any, only: tuple[str, ...] = ()) -> None:
        self.passes: list[set[str]] = []
        self.written: list[Report] = []
        wanted = [name for section in homework.rubric.sections for name in section.submit]
        self.read = partial(read, work, wanted, stubs(homework.handout, wanted))
        self.whole = partial(grading.grade, homework=homework, seed=SEED, data=Store(homework, root()))
        self.console = text.Terminal()
        self.console.file = self.out = io.StringIO()
        screen = Screen(self.console, "student", "work", None)
        self.watch = Watch(
            Plan(work, homework, self.read, self.grade, launch, SEED, only, self.written.append, ()), screen
        )
        screen.begin((), self.watch.report, ())
        self.watch.settle()

    def grade(self, submission: Any, *, only: Any, **options: Any) -> Report:
        self.passes.append(set(only))
        return self.whole(submission, only=only, **options)

    def save(self) -> set[str]:
        """Look as after a save; the ids of the items that were graded for it."""
        self.passes.clear()
        self.watch.saves.look()
        self.watch.cut.clear()
        if self.watch.saves.work is not self.watch.work:
            self.watch.take()
            self.watch.settle()
        return set().union(*self.passes)


def told(report: Report) -> Any:
    checks = [(one.name, one.verdict, one.earned, one.message, one.where, one.advice) for one in report.checks]
    return report.score, report.max_score, report.digest, report.needs_review, report.provenance.seed, checks


def test_after_each_save_the_report_is_that_of_a_run_with_this_seed(tmp_path, launch):
    homework, work = loaded(FRAMEWORK), tmp_path / "work"
    shutil.copytree(FRAMEWORK / "reference" / "frame", work)
    bench = Bench(work, homework, launch)
    states = [(work / Path(one.file).name, one) for one in mistakes.read(FRAMEWORK)[0]]
    assert len(states) >= 5
    for path, mistake in states:
        right = path.read_text()
        for changed in (right.replace(mistake.old, mistake.new), right):
            path.write_text(changed)
            graded = bench.save()
            assert graded
            assert told(bench.written[-1]) == told(bench.whole(bench.read(), launch=launch)), mistake.name
    (work / "train.py").unlink()
    assert bench.save() == {"2.1"}
    assert told(bench.written[-1]) == told(bench.whole(bench.read(), launch=launch))
    assert bench.written[-1].notes == bench.whole(bench.read(), launch=launch).notes


def test_only_what_depends_on_a_file_is_graded_prerequisites_included(tmp_path, launch):
    work = tmp_path / "work"
    shutil.copytree(ROOT / "reference", work)
    bench = Bench(work, loaded(OWN), launch, QUICK)
    assert bench.watch.report.score == 50
    for file, items in {
        "backprop/functions.py": {"1.1", "1.2"},
        "neuralnet/layers.py": {"2.1", "2.2", "2.3", "2.4", "3.1", "4.1"},
        "neuralnet/two_layer_net.py": {"3.1", "4.1"},
        "neuralnet/train.py": {"4.1"},
        "neuralnet/optim.py": set(),  # the handout's own counts
        "part1.ipynb": set(),  # nothing here depends on it
    }.items():
        path = work / file
        path.write_text(path.read_text().replace('"cells"', '"cells" ') + "\n")
        assert bench.save() == items, file
        assert bench.watch.report.score == 50
    net = work / "neuralnet" / "two_layer_net.py"
    net.write_text(net.read_text().replace("from layers import", "from my_layers import"))
    shutil.copyfile(work / "neuralnet" / "layers.py", work / "neuralnet" / "my_layers.py")
    assert bench.save() == {"3.1", "4.1"}
    (work / "neuralnet" / "my_layers.py").write_text("raise ValueError('mine')\n")
    assert bench.save() == {"3.1", "4.1"}
    assert "ValueError" in bench.out.getvalue()
    assert bench.watch.report.score == 40  # 4.1 is right on a right network


def test_what_is_graded_on_right_parts_after_the_last_check_may_take_long():
    watch = Watch.__new__(Watch)
    watch.cut = SimpleNamespace(look=lambda: None, end=pytest.fail)
    watch.left, watch.news, watch.last = {}, True, float("-inf")
    assert watch.went_on("net_forward, on right parts") == "net_forward, on right parts"


def test_a_wrong_layer_is_told_in_the_network_that_is_built_on_it(tmp_path, launch):
    work = tmp_path / "work"
    shutil.copytree(ROOT / "reference", work)
    bench = Bench(work, loaded(OWN), launch, QUICK)
    bench.out.truncate(0)
    layers = work / "neuralnet" / "layers.py"
    right = layers.read_text()
    layers.write_text(right.replace("x @ w + b", "x @ w - b"))
    bench.save()
    lines = bench.out.getvalue()
    assert "newly wrong: 2.1 fc_forward (layers.py:" in lines
    assert "newly wrong: 3.1 net_forward" in lines
    assert "fix that first" in lines
    assert ", before 50; layers.py graded in" in lines
    layers.write_text(right)
    bench.save()
    assert "newly right: 2.1 fc_forward\n" in bench.out.getvalue()
    assert bench.watch.report.score == 50


def test_a_file_that_is_no_python_costs_nothing_and_is_told(tmp_path, launch):
    work = tmp_path / "work"
    shutil.copytree(FRAMEWORK / "reference" / "frame", work)
    bench = Bench(work, loaded(FRAMEWORK), launch)
    before, right = bench.watch.report, (work / "tensor.py").read_text()
    (work / "tensor.py").write_text(f"{right}\ndef f(\n")
    assert bench.save() == set()
    assert bench.watch.report == before
    sentence = bench.written[-1].notes[-1]
    assert sentence.startswith("tensor.py:")
    assert sentence in bench.out.getvalue()
    (work / "train.py").write_text(f"{(work / 'train.py').read_text()}\n")
    assert bench.save() == {"2.1"}, "other files are graded meanwhile"
    assert sentence in bench.written[-1].notes
    (work / "tensor.py").write_text(right)
    bench.save()
    assert sentence not in bench.written[-1].notes


class Acted(Bench):
    """Grading by a script: check -> seconds, or what to do in its place."""

    def __init__(self, tmp_path: Path, script: dict[str, Any]) -> None:
        self.script = script
        work = tmp_path / "work"
        shutil.copytree(FRAMEWORK / "reference" / "frame", work)
        super().__init__(work, loaded(FRAMEWORK), None)

    def grade(self, submission: Any, *, only: Any, on_result: Any, on_progress: Any, launch: Any) -> Report:
        self.passes.append(set(only))
        homework = loaded(FRAMEWORK)
        results = {}
        items = [item for task in homework.rubric.tasks for item in task.items if item.id in only]
        stopped = False
        try:
            for result in grading.skipped(items, homework, ""):
                act = self.script.get(result.name, 0.0)
                if callable(act):
                    act(on_progress)
                taken = act if isinstance(act, float) else 0.0
                files = ("tensor.py",) if result.name == "linear_forward" else ("train.py",)
                made = replace(result, verdict=Verdict.PASS, earned=result.points, seconds=taken, files=files)
                results[result.name] = made
                on_result(made)
        except KeyboardInterrupt:
            stopped = True
        results = {one.name: one for one in grading.skipped(items, homework, grading.STOPPED)} | results
        tasks = tuple(grading.scored(homework, results, only))
        report = Report("", "", "", tasks, (), grading.provenance(homework, SEED, "", {}), interrupted=stopped)
        if stopped:
            raise grading.Interrupted(report)
        return report


def test_what_takes_long_and_what_stands_behind_it_comes_last_the_next_time(tmp_path):
    bench = Acted(tmp_path, {"sgd_steps": 2.0})
    assert bench.passes == [{"1.1", "1.2", "1.3", "2.1"}]
    (tmp_path / "work" / "train.py").write_text("import tensor\n")
    assert bench.save() == {"1.1", "1.2", "1.3", "2.1"}
    assert bench.passes == [{"1.1", "2.1"}, {"1.2", "1.3"}], "1.3 may use what 1.2 makes"
    bench.script.clear()
    (tmp_path / "work" / "train.py").write_text("import tensor, tensor\n")
    bench.save()
    bench.passes.clear()
    (tmp_path / "work" / "train.py").write_text("import tensor, tensor, tensor\n")
    bench.save()
    assert bench.passes == [{"1.1", "1.2", "1.3", "2.1"}]


def test_what_takes_long_is_graded_a_task_at_a_time_that_of_the_last_save_first(tmp_path):
    bench = Acted(tmp_path, {"linear_forward": 2.0, "trajectory": 2.0})
    for fresh, passes in ((set(), [{"1.1", "1.2"}, {"2.1"}]), ({"2.1"}, [{"2.1"}, {"1.1", "1.2"}])):
        bench.passes.clear()
        bench.watch.due, bench.watch.fresh = {"1.1", "1.2", "2.1"}, fresh
        bench.watch.settle()
        assert bench.passes == passes


def test_a_check_that_takes_long_for_the_first_time_lets_the_others_be_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "QUICK", 0.0)
    going: list[str] = []

    def train(on_progress: Any) -> None:
        for _ in range(3):
            on_progress("an epoch")
            going.append("an epoch")

    bench = Acted(tmp_path, {"sgd_steps": train})
    assert bench.passes[:2] == [{"1.1", "1.2", "1.3", "2.1"}, {"2.1"}]
    assert {"1.2", "1.3"} in bench.passes
    assert len(going) == 3, "it was begun anew, and not ended again"
    assert bench.watch.due == set()
    assert bench.watch.report.score == 15


def test_a_save_ends_what_runs_and_keeps_what_was_graded(tmp_path):
    bench = Acted(tmp_path, {})

    def save(on_progress: Any) -> None:
        bench.script.clear()
        bench.watch.cut.end_worker()

    bench.script["adam_steps"] = save
    bench.watch.due = {"1.1", "1.2", "1.3", "2.1"}
    bench.passes.clear()
    bench.watch.settle()
    assert bench.passes == [{"1.1", "1.2", "1.3", "2.1"}]
    assert bench.watch.due == {"1.3", "2.1"}, "a check that a save may have ended is graded again"
    bench.watch.cut.clear()
    bench.watch.settle()
    assert bench.watch.due == set()


def test_at_ctrl_c_what_still_had_to_be_graded_is_not(tmp_path):
    bench = Acted(tmp_path, {})

    def interrupt(on_progress: Any) -> None:
        raise KeyboardInterrupt

    bench.script["adam_steps"] = interrupt
    bench.watch.due = {"1.1", "1.2", "1.3", "2.1"}
    with pytest.raises(grading.Interrupted) as stopped:
        bench.watch.run()
    report = stopped.value.report
    assert report.interrupted
    assert (report.score, report.skipped) == (7, 8)
    assert {check.message for check in report.checks if check.verdict is Verdict.SKIPPED} == {grading.STOPPED}
    assert not bench.watch.saves.thread.is_alive()


def test_a_report_that_ctrl_c_kept_from_being_written_is_written(tmp_path):
    bench = Acted(tmp_path, {})
    (tmp_path / "work" / "train.py").write_text("import tensor\n")

    def interrupt(report: Report) -> None:
        bench.watch.plan = replace(bench.watch.plan, write=bench.written.append)
        raise KeyboardInterrupt

    bench.watch.plan = replace(bench.watch.plan, write=interrupt)
    bench.written.clear()
    bench.watch.kept, bench.watch.due = None, {"1.1"}
    with pytest.raises(grading.Interrupted) as stopped:
        bench.watch.run()
    assert not stopped.value.report.interrupted
    assert bench.written == [stopped.value.report]


def test_a_report_that_cannot_be_written_is_told_and_the_watch_goes_on(tmp_path):
    bench = Acted(tmp_path, {})

    def refuse(report: Report) -> None:
        raise UsageError("cannot write report.html (No space left on device); name another place for it")

    bench.watch.plan = replace(bench.watch.plan, write=refuse)
    (tmp_path / "work" / "train.py").write_text("import tensor\n")
    bench.save()
    assert "cannot write report.html" in bench.out.getvalue()


def test_a_task_that_there_is_not_is_refused(tmp_path, launch):
    shutil.copytree(FRAMEWORK / "reference" / "frame", tmp_path / "work")
    with pytest.raises(UsageError, match="there is no task 9"):
        Bench(tmp_path / "work", loaded(FRAMEWORK), launch, ("9",))
