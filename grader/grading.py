"""Grades one submission: runs the checks of each section, and makes a Report of their results."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import __version__
from grader.check import Options, Subject
from grader.errors import Crashed, StudentError, UsageError
from grader.follow_through import graded_again
from grader.loading import digests
from grader.model import (
    CheckPlan,
    CheckResult,
    Homework,
    Item,
    ItemResult,
    Provenance,
    Report,
    Section,
    Submission,
    Task,
    TaskResult,
    Verdict,
)
from grader.sandbox.allowance import Allowance
from grader.sandbox.launch import Launch, spawn
from grader.sandbox.parts import Parts
from grader.sandbox.session import Session
from grader.verdict import run_check
from grader.wrong_parts import Graded, unknown_below

if TYPE_CHECKING:
    from grader.data.datasets import DataSet
    from grader.failing.examples import Failed


class Interrupted(KeyboardInterrupt):
    """The run was stopped; `report` holds the results so far. If homework code was running, str() says where."""

    def __init__(self, report: Report, where: str = "") -> None:
        super().__init__(where)
        self.report = report


EXTRA = {"torch", "torchvision"}  # what `pip install -e '.[torch]'` installs
NOTHING_RAN = "nothing of the submission was run"
STOPPED = "the run was interrupted before this was measured"


def grade(
    submission: Submission,
    homework: Homework,
    *,
    seed: int,
    only: Collection[str] = (),
    on_result: Callable[[CheckResult], None] = lambda result: None,
    launch: Launch = lambda section: spawn,
    data: Callable[[str], Any] | None = None,
    full: bool = False,
    shrink: bool = True,
    on_progress: Callable[[str], None] = lambda text: None,
    on_task: Callable[[Report], None] | None = None,
) -> Report:
    """Run the checks of the tasks or items in `only`, or all checks if it is empty, and score them.

    Maximum points come from the rubric: a check that crashed, or whose file cannot be imported, keeps its own. A
    section is skipped if its packages are not installed.

    `data` reads a data set by its name when a check asks for it; by default, from the usual folder. `full` trains to
    the end even if the bar is reached earlier. `shrink` looks for small inputs that fail. `on_task` gets the report so
    far, marked as interrupted, each time a task is done: if the run is killed, that report stays.

    Raises UsageError for an id in `only` that the rubric does not have, and for data that cannot be used. Raises
    Interrupted, with the results so far, instead of KeyboardInterrupt.
    """
    expect_known(homework, only)
    homework.answers.begin(seed)
    options = Options(data or usual_data(homework), full, on_progress)
    allowance = Allowance(homework.rubric.limits)
    run = Grading(submission, homework, seed, only, options, launch, on_result, on_task, allowance)
    try:
        for section in homework.rubric.sections:
            run.grade_section(section, shrink=shrink)
    except KeyboardInterrupt as stop:
        raise Interrupted(run.report(whole=False), str(stop)) from None
    return run.report(whole=True)


@dataclass
class Grading:
    """One submission while it is graded, and what is known of it so far."""

    submission: Submission
    homework: Homework
    seed: int
    only: Collection[str]
    options: Options
    launch: Launch
    on_result: Callable[[CheckResult], None]
    on_task: Callable[[Report], None] | None
    allowance: Allowance
    results: dict[str, CheckResult] = field(default_factory=dict)
    isolation: dict[str, None] = field(default_factory=dict)  # what the processes say of their confinement
    versions: dict[str, str] = field(default_factory=dict)  # of the packages that sections need
    files: dict[str, DataSet] = field(default_factory=dict)  # of data sets that are single files, by name

    def grade_section(self, section: Section, *, shrink: bool) -> None:
        """Grade the section's items: on the student's own parts, then, where these are wrong, on right ones."""
        tasks = [self.asked_items(task) for task in self.homework.rubric.tasks if task.section == section.id]
        items = [item for own in tasks for item in own]
        if not items:
            return
        if lacking := missing(section):
            for result in skipped(items, self.homework, why(lacking)):
                self.note(result)
            return
        self.versions |= installed(section)
        failed: dict[str, Failed] = {}
        with self.session(section, self.submission, self.allowance) as session:
            for own in filter(None, tasks):
                for result in self.run_checks(own, session, failed):
                    self.isolation |= {session.held: None} if session.held else {}
                    self.note(result)
                self.tell_task()
            recording = self.homework.answers.recording
            lower = [] if recording else unknown_below(items, self.results, self.homework)
            below = {one.name: one for one in self.run_checks(lower, session)}
        if not recording:
            for result in self.on_right_parts(section, [*lower, *items], self.results | below):
                self.results[result.name] = result
                self.tell_task()
        if shrink and failed:
            self.add_examples(section, failed)

    def asked_items(self, task: Task) -> list[Item]:
        """The task's items that are asked for and have checks."""
        return [item for item in task.items if asked_for(item, task, self.only) and item.checks]

    def session(self, section: Section, work: Submission, allowance: Allowance, parts: Parts | None = None) -> Session:
        limits, launcher = self.homework.rubric.limits, self.launch(section)
        return Session(section, work, self.homework.handout, limits, launcher, allowance, parts)

    def run_checks(
        self, items: Sequence[Item], session: Session, failed: dict[str, Failed] | None = None
    ) -> Iterator[CheckResult]:
        for item in items:
            for plan in item.checks:
                hw = Subject(session, self.homework, item, self.options)
                yield run_check(plan, hw, self.homework, self.seed, failed)

    def tell_task(self) -> None:
        if self.on_task is not None:
            self.on_task(self.report(whole=False))

    def note(self, result: CheckResult) -> None:
        self.results[result.name] = result
        self.on_result(result)

    def on_right_parts(
        self, section: Section, items: Sequence[Item], results: Mapping[str, CheckResult]
    ) -> Iterator[CheckResult]:
        """Yield the results of checks that are graded again on right parts; see follow_through.py. A file whose import
        was stopped is not tried again. If a call was stopped, the calls here get less time."""
        allowance = self.allowance.for_again()

        def open_(work: Submission, parts: Parts | None) -> Session:
            own = {name for name, content in self.submission.files.items() if work.files.get(name) == content}
            allowance.files = stopped_by(self.allowance.files, own)
            return self.session(section, work, allowance, parts)

        def run(plan: CheckPlan, hw: Subject) -> CheckResult:
            return run_check(plan, hw, self.homework, self.seed)

        graded = Graded(self.homework, section, dict(results))
        yield from graded_again(graded, items, self.submission, self.options, open_, run)

    def add_examples(self, section: Section, failed: Mapping[str, Failed]) -> None:
        """Add to the results of checks that `failed` the smallest input that fails, if their own function is wrong."""
        from grader.failing.examples import examples  # only here, where something failed

        failed = {name: one for name, one in failed.items() if is_its_own(self.results[name])}
        launcher, stopped = self.launch(section), self.allowance.files
        found = examples(section, self.submission, self.homework, failed, launcher, stopped)
        for name, script in found.items():
            self.results[name] = replace(self.results[name], example=script)

    def report(self, *, whole: bool) -> Report:
        """The report of what was measured so far. Unless it is `whole`, the rest is skipped."""
        every = [item for task in self.homework.rubric.tasks for item in task.items if asked_for(item, task, self.only)]
        rest = () if whole else skipped(every, self.homework, STOPPED)
        graded = tuple(scored(self.homework, {one.name: one for one in rest} | self.results, self.only))
        read = read_from(self.homework, self.options.read, self.files)
        versions = self.versions | {one.name: one.version() for one in read}
        return Report(
            title=self.homework.rubric.title,
            submission=self.submission.name,
            digest=self.submission.digest,
            tasks=graded,
            needs_review=tuple(questions(graded)),
            provenance=provenance(self.homework, self.seed, "; ".join(self.isolation), versions),
            notes=(*self.submission.notes, *(note for one in read for note in one.notes(self.homework))),
            interrupted=not whole,
        )


def stopped_by(files: Mapping[str, StudentError], own: Collection[str]) -> dict[str, StudentError]:
    """Those of the files whose import was stopped that were stopped because of one of the student's `own`. An error is
    noted for the file that hung first, then for those that import it. What ended the process is not known."""
    hung: dict[int, str] = {}
    for path, error in files.items():
        hung.setdefault(id(error), path)
    theirs = {path for path in files if Path(path).name in own}
    known = {path: error for path, error in files.items() if not isinstance(error, Crashed)}
    return {path: error for path, error in known.items() if {path, hung[id(error)]} <= theirs}


def is_its_own(result: CheckResult) -> bool:
    """Whether the check's own function is at fault: the check says the same on right parts as on the student's."""
    told = result.followed
    return told is None or told.first.message == told.again.message != ""


def usual_data(homework: Homework) -> Callable[[str], Any]:
    """A function that reads a data set from the usual folder."""
    from grader.data.datasets import Store

    return Store(homework)


def read_from(homework: Homework, read: Mapping[str, Any], files: dict[str, DataSet]) -> list[DataSet]:
    """The data sets that checks have read, for the report. `files` remembers those that are single files."""
    if not read:
        return []
    from grader.data import datasets

    for name, one in read.items():
        if isinstance(one, Path) and name not in files:
            files[name] = datasets.of_file(homework.rubric.data[name], one)
    return [one for one in (files.get(name, one) for name, one in read.items()) if isinstance(one, datasets.DataSet)]


def scored(homework: Homework, results: Mapping[str, CheckResult], only: Collection[str]) -> Iterator[TaskResult]:
    """Yield the results of the rubric's tasks, of the items that `only` asks for."""
    for task in homework.rubric.tasks:
        items = [item for item in task.items if asked_for(item, task, only)]
        if items:
            yield TaskResult(task.id, task.title, tuple(item_result(item, results) for item in items))


def missing(section: Section) -> list[str]:
    """The packages that the section needs and this machine lacks. It imports none of them."""
    return [name for name in section.needs if find_spec(name) is None]


def installed(section: Section) -> dict[str, str]:
    """Versions of the packages that a section needs."""
    if not section.needs:
        return {}
    from importlib import metadata  # slow, and most sections need none

    return {name: metadata.version(distribution(name)) for name in section.needs}


def distribution(package: str) -> str:
    """What pip calls a package: "scikit-learn" for "sklearn". One that is not installed has its own name."""
    from importlib import metadata  # slow to import

    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return next(iter(metadata.packages_distributions().get(package, ())), package)
    return package


def why(lacking: Sequence[str]) -> str:
    """Why a section is skipped, and what to type."""
    wanted = " ".join(dict.fromkeys("-e '.[torch]'" if name in EXTRA else name for name in lacking))
    are = "is" if len(lacking) == 1 else "are"
    return f"{' and '.join(lacking)} {are} not installed; type: python -m pip install {wanted}"


def skipped(items: Sequence[Item], homework: Homework, reason: str) -> Iterator[CheckResult]:
    for plan in (plan for item in items for plan in item.checks):
        title = homework.checks[plan.name].title
        yield CheckResult(
            plan.name, title, Verdict.SKIPPED, 0.0, plan.points, message=reason, visibility=plan.visibility
        )


def unmeasured(check: CheckResult) -> bool:
    """Whether the run was interrupted before this check."""
    return check.verdict is Verdict.SKIPPED and check.message == STOPPED


def expect_known(homework: Homework, only: Collection[str]) -> None:
    """Raise UsageError for an id that no task or item has."""
    known = {task.id for task in homework.rubric.tasks} | {item.id for item in homework.rubric.items}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no task {name}; the tasks are {', '.join(sorted(known))}")


def asked_for(item: Item, task: Task, only: Collection[str]) -> bool:
    return not only or item.id in only or task.id in only


def questions(tasks: Iterable[TaskResult]) -> Iterator[str]:
    """Yield what a person must look at: of each item, the faults of the grader, then the questions of its checks."""
    for item in (item for task in tasks for item in task.items):
        faulty = [check.name for check in item.checks if check.verdict is Verdict.INTERNAL]
        if faulty:
            yield f"{item.id}: a fault of the grader in {', '.join(faulty)}"
        yield from (f"{check.name}: {question}" for check in item.checks for question in check.review)


def item_result(item: Item, results: Mapping[str, CheckResult]) -> ItemResult:
    if item.skipped:
        check = CheckResult(f"item_{item.id}", item.title, Verdict.SKIPPED, 0.0, item.points, message=item.skipped)
        return ItemResult(item.id, item.title, 0.0, item.points, (check,))
    return ItemResult.of(item.id, item.title, item.points, (results[plan.name] for plan in item.checks))


def provenance(homework: Homework, seed: int, isolation: str, used: Mapping[str, str]) -> Provenance:
    grader, fixtures = digests(homework)
    return Provenance(
        seed=seed,
        versions={
            "python": sys.version.split()[0],
            "numpy": np.__version__,
            "backgrade": __version__,
            **used,
        },
        rubric_digest=homework.rubric.digest,
        grader_digest=grader,
        fixtures_digest=fixtures,
        isolation=isolation or NOTHING_RAN,
    )
