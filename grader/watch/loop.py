"""Grades again after each save, and only what depends on the saved files.

All of it uses one seed, so that every change comes from a save. Once no item is due, the report is that of a single run
with this seed.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import IO, Any, NoReturn, Protocol

from grader import grading
from grader.errors import UsageError
from grader.model import CheckResult, Homework, Item, ItemResult, Report, Rubric, Section, Submission
from grader.report.screen import Screen
from grader.sandbox.launch import Child, Launch, Launcher
from grader.watch import dependencies
from grader.watch.saves import Saves, Work

WAITS = "still to come"
QUICK = 1.0  # seconds; an item that takes longer is slow, and graded after the quick ones


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
    """What is watched, and how it is graded. `write` writes a report to the files that the user asked for: `ours`."""

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
    """Ends the running worker, so that a save does not wait for a long check."""

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

    def end_worker(self) -> None:
        """End the worker. Called by the thread that notices saves."""
        self.wanted = True
        if self.child is not None and self.child.running():
            with suppress(OSError):  # it has just ended
                os.kill(self.child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))

    def look(self, *_: Any) -> None:
        """Raises KeyboardInterrupt, as Ctrl-C does, if a file was saved."""
        if self.wanted:
            self.end()

    def end(self) -> NoReturn:
        self.made = True
        raise KeyboardInterrupt

    def clear(self) -> None:
        self.wanted = self.made = False


class Watch:
    """The results so far, and the items that have to be graded again: `due`."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self.plan, self.screen = plan, screen
        self.cut = Cut(plan.launch)
        self.saves = Saves(plan.path, plan.read, self.cut.end_worker, plan.ours)
        self.work: Work = self.saves.work
        self.notes: dict[str, None] = {}  # on the data that were used
        self.heavy = {item.id for task in plan.homework.rubric.tasks for item in task.items if task.data or item.data}
        self.slow = set(self.heavy)  # items that take longer than QUICK, or read data
        self.report = blank(plan, self.work.submission, WAITS)
        self.due = {item.id for item in self.report.items if is_blank(item)}
        self.fresh: set[str] = set()  # of these, what the last save made due
        self.order = {check.name: item.id for item in in_order(plan.homework.rubric) for check in item.checks}
        self.left: dict[str, str] = {}  # checks that still have to end now, in their order, with their items
        self.last, self.news = 0.0, False  # when the last of them ended, and whether one has
        self.kept: Report | None = None  # the last one that was written

    def run(self) -> None:
        """Go on until nobody reads the output. Raises grading.Interrupted, with the report, at Ctrl-C."""
        self.screen.begin((), self.report, ())
        try:
            with self.saves:
                self.settle()
                while not self.screen.gone:
                    self.saves.wait()
                    self.cut.clear()
                    if fresh := self.saves.work is not self.work:
                        self.take()
                    if fresh or self.due:
                        self.settle()
        except KeyboardInterrupt:
            report = self.stopped()
            if not report.interrupted and report != self.kept:  # it came while that was being written
                self.plan.write(report)
            raise grading.Interrupted(report) from None

    def take(self) -> None:
        """Take the newest work. The items that depend on its changed files become due."""
        before, self.work = self.work.submission, self.saves.work
        names = dependencies.changed(before, self.work.submission)
        self.fresh = dependencies.items_on(names, self.report, before, self.work.submission, self.plan.homework)
        self.due |= self.fresh
        self.screen.begin(sorted(names), self.report, [item.id for item in self.report.items if item.id in self.fresh])

    def settle(self) -> None:
        """Grade what is due, and show it. A save ends this early."""
        if not self.due:
            self.show()
        while self.due and not self.cut.wanted:
            self.measure(self.upcoming())
            if not self.cut.wanted:
                self.show()

    def upcoming(self) -> set[str]:
        """The items to grade next: all quick ones, then the slow ones task by task, those of the last save first."""
        if quick := self.due & self.quick():
            return quick
        wanted = self.due & self.fresh or self.due
        tasks = ({item.id for item in task.items} for task in self.report.tasks)
        return next(ids for ids in tasks if ids & wanted) & self.due

    def quick(self) -> set[str]:
        """The items before the first slow one of their task: those after it may use its results."""
        return {
            item.id
            for task in self.report.tasks
            for item in takewhile(lambda item: item.id not in self.slow, task.items)
        }

    def measure(self, ids: Collection[str]) -> None:
        """Grade some items. The finished ones are no longer due, even if a save or Ctrl-C ends this early."""
        self.left = {name: item for name, item in self.order.items() if item in ids}
        self.last, self.news, self.cut.made, stopped = time.monotonic(), False, False, False
        with self.screen.progress() as (told, going):
            try:
                report = self.plan.grade(
                    self.work.submission,
                    only=ids,
                    on_result=lambda result: told(self.ended(result)),
                    on_progress=lambda text: going(self.went_on(text)),
                    launch=self.cut.launch,
                )
            except grading.Interrupted as early:
                report, stopped = early.report, not self.cut.made
        if self.left and self.takes_long():
            self.slow.add(self.current())
        self.notes |= dict.fromkeys(note for note in report.notes if note not in self.work.submission.notes)
        self.join(report, [item for item in report.items if item.id not in self.left.values()])
        if stopped:
            raise KeyboardInterrupt

    def ended(self, result: CheckResult) -> CheckResult:
        """Note a check's result. Raises KeyboardInterrupt if a file was saved, which may have ended the check."""
        self.cut.look()
        self.last, self.news = time.monotonic(), True
        del self.left[result.name]
        return result

    def went_on(self, text: str) -> str:
        """Raises KeyboardInterrupt if a file was saved, or if a slow check keeps finished ones from being shown. After
        the last check, what is graded on right parts belongs to the finished ones."""
        self.cut.look()
        if self.left and self.news and self.takes_long() and self.current() not in self.slow:
            self.cut.end()
        return text

    def takes_long(self) -> bool:
        return time.monotonic() - self.last > QUICK

    def current(self) -> str:
        return next(iter(self.left.values()))

    def join(self, report: Report, items: Sequence[ItemResult]) -> None:
        """Replace the results of items that were graded again."""
        self.due -= {item.id for item in items}
        for item in items:
            long = item.id in self.heavy or sum(check.seconds for check in item.checks) > QUICK
            (self.slow.add if long else self.slow.discard)(item.id)
        before, new = self.report.provenance, report.provenance
        ran = before.isolation if new.isolation == grading.NOTHING_RAN else new.isolation
        provenance = replace(new, isolation=ran, versions={**before.versions, **new.versions})
        self.report = with_items(replace(self.report, provenance=provenance), {item.id: item for item in items})

    def show(self) -> None:
        """Show the results, then write them to the files that the user asked for."""
        waiting = [item.id for item in self.report.items if item.id in self.due]
        older = [item.id for item in self.report.items if item.id in self.due and not is_blank(item)]
        note = f"still being graded: {', '.join(older)}; their results are from before the last save"
        report = self.told(self.report, *([note] if older else []))
        problems = list(self.work.problems)
        try:
            self.screen.show(report, self.work.at, waiting, problems)
            report = replace(report, notes=(*report.notes, *problems))
            self.plan.write(report)
            self.kept = report
        except UsageError as error:
            self.screen.warn(str(error))

    def told(self, report: Report, *more: str) -> Report:
        """The report with the newest submission's digest and notes."""
        submission = self.work.submission
        return replace(report, digest=submission.digest, notes=(*submission.notes, *self.notes, *more))

    def stopped(self) -> Report:
        """The report at Ctrl-C, in which the items that are due are not graded."""
        items = {item.id: item for item in blank(self.plan, self.work.submission, grading.STOPPED).items}
        report = with_items(self.report, {name: items[name] for name in self.due})
        return self.told(replace(report, interrupted=bool(self.due)), *self.work.problems)


def blank(plan: Plan, submission: Submission, why: str) -> Report:
    """A report in which nothing is graded, with the reason."""
    homework = plan.homework
    grading.expect_known(homework, plan.only)
    results = {result.name: result for result in grading.skipped(homework.rubric.items, homework, why)}
    return Report(
        title=homework.rubric.title,
        submission=submission.name,
        digest=submission.digest,
        tasks=tuple(grading.scored(homework, results, plan.only)),
        needs_review=(),
        provenance=grading.provenance(homework, plan.seed, "", {}),
    )


def in_order(rubric: Rubric) -> list[Item]:
    """The items as grading.grade goes through them: section by section."""
    tasks = [task for section in rubric.sections for task in rubric.tasks if task.section == section.id]
    return [item for task in tasks for item in task.items]


def is_blank(item: ItemResult) -> bool:
    return any(check.message == WAITS for check in item.checks)


def with_items(report: Report, items: Mapping[str, ItemResult]) -> Report:
    tasks = tuple(replace(task, items=tuple(items.get(item.id, item) for item in task.items)) for task in report.tasks)
    return replace(report, tasks=tasks, needs_review=tuple(grading.questions(tasks)))
