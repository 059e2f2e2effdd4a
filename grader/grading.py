"""grade(submission, homework) -> Report. The one place where an exception of ours becomes a verdict."""

from __future__ import annotations

import hashlib
import math
import platform
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from grader import __version__
from grader.check import ROOT, Options, Subject, digest
from grader.errors import StudentError, UsageError
from grader.launch import Launch, spawn
from grader.model import (
    CheckPlan,
    CheckResult,
    Homework,
    Item,
    ItemResult,
    Provenance,
    Report,
    Submission,
    Task,
    TaskResult,
    Verdict,
)
from grader.session import Session

if TYPE_CHECKING:
    from grader.datasets import DataSet

NOTHING_RAN = "nothing of the submission was run"


def cifar10() -> DataSet:
    """CIFAR-10 from the usual folder, or its stand-in."""
    from grader import datasets

    return datasets.cifar10(datasets.root())


def grade(
    submission: Submission,
    homework: Homework,
    *,
    seed: int,
    only: Collection[str] = (),
    on_result: Callable[[CheckResult], None] = lambda result: None,
    launch: Launch = lambda section: spawn,
    data: Callable[[], DataSet] = cifar10,
    full: bool = False,
    on_progress: Callable[[str], None] = lambda text: None,
) -> Report:
    """Run the checks of the tasks or items in `only` (all, when empty) and score them.

    The report's denominators are the rubric's: what was not run, crashed or could not be imported stays in the maximum.
    `data` reads the images that networks are trained on, when one is; `full` trains to the end where a bar is cleared
    earlier. Raises UsageError for an id in `only` that the rubric does not have, and for data that cannot be used.
    """
    wanted(homework, only)
    images = Lazy(data)
    options = Options(images, full, on_progress)
    results: dict[str, CheckResult] = {}
    isolation = ""
    for section in homework.rubric.sections:
        tasks = [task for task in homework.rubric.tasks if task.section == section.id]
        items = [item for task in tasks for item in task.items if chosen(item, task, only) and item.checks]
        if items:
            with Session(section, submission, homework.handout, homework.rubric.limits, launch(section)) as session:
                for result in run_checks(items, session, homework, seed, options):
                    results[result.name] = result
                    on_result(result)
                isolation = isolation or session.held
    return Report(
        title=homework.rubric.title,
        submission=submission.name,
        digest=submission.digest,
        tasks=tuple(
            TaskResult(task.id, task.title, tuple(item_result(item, results) for item in items))
            for task in homework.rubric.tasks
            if (items := [item for item in task.items if chosen(item, task, only)])
        ),
        needs_review=tuple(question for result in results.values() for question in questions(result)),
        provenance=provenance(homework, seed, isolation, images.versions()),
        notes=(*submission.notes, *images.notes()),
    )


class Lazy:
    """The images that networks are trained on, read on first use; what was used is told in the report."""

    def __init__(self, read: Callable[[], DataSet]) -> None:
        self.read = read
        self.images: DataSet | None = None

    def __call__(self) -> DataSet:
        if self.images is None:
            self.images = self.read()
        return self.images

    def versions(self) -> dict[str, str]:
        if self.images is None:
            return {}
        kind = " (stand-in data)" if self.images.stand_in else "" if self.images.verified else " (unverified)"
        return {"data": f"{self.images.name} {self.images.digest}{kind}"}

    def notes(self) -> tuple[str, ...]:
        if self.images is None or self.images.verified:
            return ()
        if self.images.stand_in:
            return (
                f"trained on stand-in data: {self.images.name} is not on this machine, so images were made up in its "
                "format; `python grade.py data cifar10` fetches the real ones",
            )
        return (f"trained on {self.images.source}",)


def wanted(homework: Homework, only: Collection[str]) -> None:
    known = {task.id for task in homework.rubric.tasks} | {i.id for task in homework.rubric.tasks for i in task.items}
    for name in only:
        if name not in known:
            raise UsageError(f"there is no task {name}; the tasks are {', '.join(sorted(known))}")


def chosen(item: Item, task: Task, only: Collection[str]) -> bool:
    return not only or item.id in only or task.id in only


def run_checks(
    items: Sequence[Item], session: Session, homework: Homework, seed: int, options: Options
) -> Iterator[CheckResult]:
    for item in items:
        for plan in item.checks:
            yield run_check(plan, Subject(session, homework, item, options), homework, seed)


def run_check(plan: CheckPlan, hw: Subject, homework: Homework, seed: int) -> CheckResult:
    """One check, judged. Its random numbers depend on the run's seed and its name alone."""
    check = homework.checks[plan.name]
    own_seed = int.from_bytes(hashlib.sha256(f"{seed} {plan.name}".encode()).digest()[:8], "little")
    verdict, fraction, message, where, began = Verdict.PASS, 1.0, "", "", time.monotonic()
    hw.session.begin(own_seed)
    try:
        gained = check.function(hw, np.random.default_rng(own_seed))
        if gained is not None:
            fraction = min(1.0, max(0.0, float(gained)))
            verdict = Verdict.PASS if fraction == 1.0 else Verdict.PARTIAL if fraction > 0 else Verdict.FAIL
    except StudentError as error:
        verdict, fraction, message, where = error.verdict, 0.0, error.message, error.where
    except UsageError:
        raise  # the data or the command: the user can cure it, and no submission is to blame
    except Exception:
        verdict, fraction, message = Verdict.INTERNAL, 0.0, traceback.format_exc()
    return CheckResult(
        name=plan.name,
        title=check.title,
        verdict=verdict,
        earned=plan.points * fraction,
        points=plan.points,
        message=message,
        where=where,
        output=hw.session.output(),
        advice=(*hw.advice, *hw.session.attempts()),
        seconds=time.monotonic() - began,
        measures=tuple(hw.measures),
        figures=tuple(hw.figures),
        review=tuple(hw.questions),
    )


def questions(result: CheckResult) -> Iterator[str]:
    """What a person has to look at, each with the check it belongs to."""
    if result.verdict is Verdict.INTERNAL:
        yield f"{result.name}: a fault of the grader"
    yield from (f"{result.name}: {question}" for question in result.review)


def item_result(item: Item, results: dict[str, CheckResult]) -> ItemResult:
    if item.skipped:
        check = CheckResult(f"item_{item.id}", item.title, Verdict.SKIPPED, 0.0, item.points, message=item.skipped)
        return ItemResult(item.id, item.title, 0.0, item.points, (check,))
    checks = tuple(results[plan.name] for plan in item.checks)
    score = round(math.fsum(check.earned for check in checks), 9)  # thirds of a point add up to whole ones
    return ItemResult(item.id, item.title, score, item.points, checks)


def provenance(homework: Homework, seed: int, isolation: str, used: Mapping[str, str]) -> Provenance:
    return Provenance(
        seed=seed,
        versions={
            "python": platform.python_version(),
            "numpy": np.__version__,
            "backgrade": __version__,
            **used,
        },
        rubric_digest=homework.rubric.digest,
        grader_digest=digest(ROOT / "grader", homework.reference),
        fixtures_digest=digest(homework.fixtures),
        isolation=isolation or NOTHING_RAN,
    )
