"""grade(submission, homework) -> Report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grader import __version__
from grader.check import Options, Subject, digests
from grader.errors import UsageError
from grader.follow_through import Graded, graded_again, unknown_below
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
from grader.sandbox.launch import Launch, Launcher, spawn
from grader.sandbox.parts import Parts
from grader.sandbox.session import Session
from grader.verdict import run_check

if TYPE_CHECKING:
    from grader.data.datasets import DataSet
    from grader.failing.examples import Failed


class Interrupted(KeyboardInterrupt):
    """The run was stopped; `report` holds the results so far. str() says in what, if that is the homework's own."""

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
    on_task: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Run the checks of the tasks or items in `only` (all, when empty) and score them.

    Maximum points come from the rubric: checks that crashed, or whose file could not be imported, keep theirs. `data`
    reads a data set by its name when a check asks for it; the default reads from the usual folder. `full` trains to the
    end even if the bar is reached earlier. `shrink` looks for small inputs that fail. A section whose packages are not
    installed is not graded. `on_task` gets the report so far, marked as interrupted, each time a task is done: whoever
    keeps it loses nothing to a kill. Raises UsageError for an id in `only` that the rubric does not have, and for data
    that cannot be used. Raises Interrupted, with the results so far, instead of KeyboardInterrupt.
    """
    expect_known(homework, only)
    homework.answers.begin(seed)
    options = Options(data or usual_data(homework), full, on_progress)
    results: dict[str, CheckResult] = {}
    held: dict[str, None] = {}
    versions: dict[str, str] = {}
    files: dict[str, DataSet] = {}
    allowance = Allowance(homework.rubric.limits)

    def told(*, whole: bool) -> Report:
        """The report of what was measured; what was not is skipped, or the report is whole."""
        every = [item for task in homework.rubric.tasks for item in task.items if asked_for(item, task, only)]
        known = results if whole else {one.name: one for one in skipped(every, homework, STOPPED)} | results
        read = read_from(homework, options.read, files)
        graded = tuple(scored(homework, known, only))
        return Report(
            title=homework.rubric.title,
            submission=submission.name,
            digest=submission.digest,
            tasks=graded,
            needs_review=tuple(questions(graded)),
            provenance=provenance(
                homework, seed, "; ".join(held), versions | {one.name: one.version() for one in read}
            ),
            notes=(*submission.notes, *(note for one in read for note in one.notes(homework))),
            interrupted=not whole,
        )

    try:
        for section in homework.rubric.sections:
            tasks = [task for task in homework.rubric.tasks if task.section == section.id]
            items = [item for task in tasks for item in task.items if asked_for(item, task, only) and item.checks]
            lacking = missing(section) if items else []
            for result in skipped(items, homework, why(lacking)) if lacking else ():
                results[result.name] = result
                on_result(result)
            if not items or lacking:
                continue
            versions |= installed(section)
            limits = homework.rubric.limits
            failed: dict[str, Failed] = {}
            with Session(section, submission, homework.handout, limits, launch(section), allowance) as session:
                for own in filter(None, ([item for item in task.items if item in items] for task in tasks)):
                    for result in run_checks(own, session, homework, seed, options, failed):
                        results[result.name] = result
                        held |= {session.held: None} if session.held else {}
                        on_result(result)
                    on_task(told(whole=False))
                lower = [] if homework.answers.recording else unknown_below(items, results, homework)
                below = {one.name: one for one in run_checks(lower, session, homework, seed, options)}
            followed = follow(
                section,
                [*lower, *items],
                results | below,
                submission,
                homework,
                seed,
                options,
                launch(section),
                allowance,
            )
            for result in followed:
                results[result.name] = result
                on_task(told(whole=False))
            if shrink and failed:
                from grader.failing.examples import examples  # only here, where something failed

                failed = {name: one for name, one in failed.items() if is_its_own(results[name])}
                for name, script in examples(
                    section, submission, homework, failed, launch(section), allowance.files
                ).items():
                    results[name] = replace(results[name], example=script)
    except KeyboardInterrupt as stop:
        raise Interrupted(told(whole=False), str(stop)) from None
    return told(whole=True)


def follow(
    section: Section,
    items: Sequence[Item],
    results: Mapping[str, CheckResult],
    submission: Submission,
    homework: Homework,
    seed: int,
    options: Options,
    launcher: Launcher,
    spent: Allowance,
) -> Iterator[CheckResult]:
    """The results of checks that are graded again on right parts; see follow_through.py. A file whose import was
    stopped, as `spent` tells, is not tried again, and calls get less time once one was stopped."""
    if homework.answers.recording:
        return
    limits, allowance = homework.rubric.limits, spent.for_again()

    def open_(work: Submission, parts: Parts | None) -> Session:
        own = {name for name, content in submission.files.items() if work.files.get(name) == content}
        allowance.files = {path: error for path, error in spent.files.items() if Path(path).name in own}
        return Session(section, work, homework.handout, limits, launcher, allowance, parts)

    def run(plan: CheckPlan, hw: Subject) -> CheckResult:
        return run_check(plan, hw, homework, seed)

    yield from graded_again(Graded(homework, section, dict(results)), items, submission, options, open_, run)


def is_its_own(result: CheckResult) -> bool:
    """Whether what failed is the check's own function: what it says of right parts is what it says of the student's."""
    told = result.followed
    return told is None or told.first.message == told.again.message != ""


def usual_data(homework: Homework) -> Callable[[str], Any]:
    """Reads a data set from the usual folder."""
    from grader.data.datasets import Store, root

    return Store(homework, root())


def read_from(homework: Homework, read: Mapping[str, Any], files: dict[str, DataSet]) -> list[DataSet]:
    """The data sets among `read`, which the report names; `files` keeps what is known of single files."""
    if not read:
        return []
    from grader.data import datasets

    for name, one in read.items():
        if isinstance(one, Path) and name not in files:
            files[name] = datasets.of_file(homework.rubric.data[name], one)
    return [one for one in (files.get(name, one) for name, one in read.items()) if isinstance(one, datasets.DataSet)]


def scored(homework: Homework, results: Mapping[str, CheckResult], only: Collection[str]) -> Iterator[TaskResult]:
    """The results of the rubric's tasks, as far as `only` asks for them."""
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


def run_checks(
    items: Sequence[Item],
    session: Session,
    homework: Homework,
    seed: int,
    options: Options,
    failed: dict[str, Failed] | None = None,
) -> Iterator[CheckResult]:
    for item in items:
        for plan in item.checks:
            yield run_check(plan, Subject(session, homework, item, options), homework, seed, failed)


def questions(tasks: Iterable[TaskResult]) -> Iterator[str]:
    """What a person must look at: a line for each item in which the grader failed, then the questions of its checks."""
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
