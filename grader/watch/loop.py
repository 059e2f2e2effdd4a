"""Grades again after each save, and only what rests on what was saved.

One seed holds for all of it, so that whatever changes comes from the save. The report is therefore at each moment what
a run with that seed gives, as soon as no item waits any more.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Protocol

from grader import grading
from grader.errors import UsageError
from grader.model import CheckResult, Homework, ItemResult, Report, Section, Submission
from grader.report.screen import Screen
from grader.sandbox.launch import Child, Launch, Launcher
from grader.watch import rests
from grader.watch.saves import Saves, Work

WAITS = "not graded yet"
QUICK = 1.0  # seconds: what took longer the last time is graded after everything else


class Grade(Protocol):
    """grading.grade, as far as the command has not told it everything already."""

    def __call__(
        self,
        submission: Submission,
        *,
        only: Collection[str],
        on_result: Callable[[CheckResult], None],
        on_progress: Callable[[str], None],
        launch: Launch,
    ) -> Report: ...


@dataclass(frozen=True)
class Plan:
    """What is watched, and how it is graded. `write` keeps a report in the files that were asked for; `ours` are these
    files."""

    path: Path
    homework: Homework
    read: Callable[[], Submission]
    grade: Grade
    launch: Launch
    seed: int
    only: Collection[str]
    write: Callable[[Report], None]
    ours: Collection[Path]


class Cut:
    """Ends the worker that answers just now, so that a save need not wait for a long check."""

    def __init__(self, launch: Launch) -> None:
        self.starting = launch
        self.child: Child | None = None
        self.wanted = self.made = False

    def launch(self, section: Section) -> Launcher:
        return partial(self.begin, self.starting(section))

    def begin(self, start: Launcher, scratch: Path, output: IO[bytes]) -> Child:
        self.look()
        self.child = child = start(scratch, output)
        if self.wanted:
            child.end(0.0)
        self.look()
        return child

    def now(self) -> None:
        """From the thread that notices saves."""
        self.wanted = True
        if self.child is not None and self.child.running():
            os.kill(self.child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def look(self, *_: Any) -> None:
        """Raises KeyboardInterrupt, as Ctrl-C does, where a save came."""
        if self.wanted:
            self.made = True
            raise KeyboardInterrupt

    def clear(self) -> None:
        self.wanted = self.made = False


class Watch:
    """What is known of the work so far, and which items have to be graded again: `due`."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self.plan, self.screen = plan, screen
        self.cut = Cut(plan.launch)
        self.saves = Saves(plan.path, plan.read, self.cut.now, plan.ours)
        self.work: Work = self.saves.work
        self.notes: dict[str, None] = {}  # on the data that were used
        self.report = blank(plan, self.work.submission, WAITS)
        self.due = {item.id for item in self.report.items if any(check.message == WAITS for check in item.checks)}

    def run(self) -> None:
        """Go on until the reader of what is printed is gone. Raises grading.Interrupted, with the report, at Ctrl-C."""
        try:
            with self.saves:
                self.settle()
                while not self.screen.gone:
                    self.saves.wait()
                    self.take()
                    self.settle()
        except KeyboardInterrupt:
            raise grading.Interrupted(self.stopped()) from None

    def take(self) -> None:
        """Take the newest work; what rests on what is new in it is due."""
        self.cut.clear()
        before, self.work = self.work.submission, self.saves.work
        names = rests.changed(before, self.work.submission)
        self.due |= rests.items_on(names, self.report, before, self.work.submission, self.plan.homework)
        self.screen.begin(sorted(names), self.report)

    def settle(self) -> None:
        """Grade what is due, what was quick the last time first, and show it; a save ends this early."""
        quick = {item.id for item in self.report.items if sum(check.seconds for check in item.checks) < QUICK}
        for ids in (self.due & quick, self.due - quick):
            if ids and not self.cut.wanted:
                self.measure(ids)
                self.show()
        if not self.due and not self.cut.wanted:
            self.show()

    def measure(self, ids: Collection[str]) -> None:
        """Grade some items. Those that were graded whole are no longer due, also if a save or Ctrl-C ends it early."""
        done: set[str] = set()
        stopped = False
        with self.screen.progress() as (told, going):

            def on_result(result: CheckResult) -> None:
                self.cut.look()
                done.add(result.name)
                told(result)

            def on_progress(text: str) -> None:
                self.cut.look()
                going(text)

            grade, submission = self.plan.grade, self.work.submission
            try:
                report = grade(
                    submission, only=ids, on_result=on_result, on_progress=on_progress, launch=self.cut.launch
                )
            except grading.Interrupted as early:
                report, stopped = early.report, not self.cut.made
        self.notes |= dict.fromkeys(note for note in report.notes if note not in submission.notes)
        self.join(report, {item.id: item for item in report.items if done.issuperset(one.name for one in item.checks)})
        if stopped:
            raise KeyboardInterrupt

    def join(self, report: Report, items: Mapping[str, ItemResult]) -> None:
        """Put items that were graded anew in the place of what was known of them."""
        self.due -= items.keys()
        before, new = self.report.provenance, report.provenance
        ran = before.isolation if new.isolation == grading.NOTHING_RAN else new.isolation
        self.report = with_items(
            replace(
                self.report,
                provenance=replace(new, isolation=ran, versions={**before.versions, **new.versions}),
            ),
            items,
        )

    def show(self) -> None:
        """Show what is known, then write it to the files that were asked for."""
        waiting = [item.id for item in self.report.items if item.id in self.due]
        note = [f"{', '.join(waiting)} wait: what is told of them is older than the newest file"] if waiting else []
        report = self.told(self.report, *self.work.problems, *note)
        self.screen.show(report, self.work.at, waiting)
        try:
            self.plan.write(report)
        except UsageError as error:
            self.screen.warn(str(error))

    def told(self, report: Report, *more: str) -> Report:
        """The report with the newest submission's digest and notes."""
        submission = self.work.submission
        return replace(report, digest=submission.digest, notes=(*submission.notes, *self.notes, *more))

    def stopped(self) -> Report:
        """The report at Ctrl-C: what still had to be graded was not."""
        items = {item.id: item for item in blank(self.plan, self.work.submission, grading.STOPPED).items}
        report = with_items(self.report, {name: items[name] for name in self.due})
        return self.told(replace(report, interrupted=bool(self.due)), *self.work.problems)


def blank(plan: Plan, submission: Submission, why: str) -> Report:
    """A report in which nothing is graded, and why."""
    homework = plan.homework
    grading.expect_known(homework, plan.only)
    every = [item for task in homework.rubric.tasks for item in task.items]
    results = {result.name: result for result in grading.skipped(every, homework, why)}
    return Report(
        title=homework.rubric.title,
        submission=submission.name,
        digest=submission.digest,
        tasks=tuple(grading.scored(homework, results, plan.only)),
        needs_review=(),
        provenance=grading.provenance(homework, plan.seed, "", {}),
    )


def with_items(report: Report, items: Mapping[str, ItemResult]) -> Report:
    tasks = tuple(replace(task, items=tuple(items.get(item.id, item) for item in task.items)) for task in report.tasks)
    return replace(report, tasks=tasks, needs_review=tuple(grading.questions(tasks)))
