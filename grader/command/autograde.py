"""grade.py autograde: one submission where a platform laid it out, and its result where the platform looks for it."""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from grader import grading
from grader.course.job import unconfined
from grader.data import datasets
from grader.errors import SubmissionError, UsageError
from grader.intake.submission import read, stubs
from grader.loading import OWN, load
from grader.model import Homework, Late, Remarks, Report
from grader.platform import container
from grader.platform.autolab import Autolab
from grader.platform.classroom50 import Classroom50
from grader.platform.container import Container
from grader.platform.gradescope import Gradescope
from grader.platform.prairielearn import PrairieLearn
from grader.report import text
from grader.sandbox.launch import ONE_THREAD, Zygotes

GRADED, FAULT = 0, 3
ENDING = 30.0  # seconds that one core needs, at most, to draw and write what was measured


class Platform(Protocol):
    """A submission where a platform laid it out. `keep` writes a report, whole or not at all, over an earlier one of
    the same run; `refuse` writes why there is none. `staff_log`: what is printed is for the course alone."""

    submission: Path
    staff_log: bool

    def remarks(self, late: Late | None) -> Remarks: ...

    def keep(self, report: Report, homework: Homework, *, ended: bool) -> None: ...

    def refuse(self, sentence: str, homework: Homework) -> None: ...


PLATFORMS: dict[str, tuple[Callable[[Path], Platform], str]] = {  # with the folder in which each lays things out
    "gradescope": (Gradescope, "/autograder"),
    "autolab": (Autolab, "."),
    "prairielearn": (PrairieLearn, "/grade"),
    "classroom50": (Classroom50, "."),
}


def parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(
        prog="grade.py autograde",
        description="Grade one submission on a platform. The packages that `release` makes call this.",
        epilog="exit codes: 0 a result was written, 2 usage: none was, 3 a fault of the grader (needs review)",
    )
    add = root.add_argument
    add("platform", choices=sorted(PLATFORMS), metavar="PLATFORM", help=", ".join(sorted(PLATFORMS)))
    add("--root", type=Path, metavar="DIR", help="folder that the platform filled (default: its usual one)")
    add("--seconds", type=float, default=600.0, metavar="N", help="time that the platform gives (default: 600)")
    add("--task", dest="only", action="append", default=[], metavar="ID", help="only this task or item; repeatable")
    add("--seed", type=int, metavar="N", help="repeat a run with the seed in its report")
    add("--data-root", type=Path, metavar="FOLDER", help="where data is (default: BACKGRADE_DATA, or a cache)")
    add("--allow-unsafe", action="store_true", help="grade where student code cannot be fully confined")
    add("--homework", type=Path, default=OWN, metavar="FOLDER", help="another homework's folder")
    return root


def run(arguments: argparse.Namespace) -> int:
    made, laid_out = PLATFORMS[arguments.platform]
    root = arguments.root or Path(laid_out)
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder; name with --root the one that {arguments.platform} laid out")
    if not 0 < arguments.seconds < math.inf:
        raise UsageError(f"--seconds is {arguments.seconds:g}; it has to be more than 0")
    datasets.check_root(arguments.data_root)
    homework = load(arguments.homework)
    grading.expect_known(homework, arguments.only)
    given = container.read()
    end = time.monotonic() + arguments.seconds - ENDING / min(given.cores or 1.0, 1.0)
    platform = made(root)
    os.environ.update(ONE_THREAD)
    try:
        with Zygotes(ahead=True) as zygotes:
            return grade(arguments, platform, homework, zygotes, given, end)
    except SubmissionError as error:
        platform.refuse(f"Nothing was graded: {error}", homework)
        return GRADED


def grade(
    arguments: argparse.Namespace,
    platform: Platform,
    homework: Homework,
    zygotes: Zygotes,
    given: Container,
    end: float,
) -> int:
    """Raises UsageError for a submission that cannot be read, and where student code would not be confined."""
    wanted = homework.rubric.wanted
    submission = read(platform.submission, wanted, stubs(homework.handout, wanted))
    open_ = list(unconfined_sections(homework, arguments.only, zygotes))
    if open_ and not arguments.allow_unsafe:
        raise UsageError(
            f"student code would not be confined here: {'; '.join(open_)}; "
            "cure that, or release the package with --allow-unsafe"
        )
    fitting, cuts = container.fitted(homework, given, arguments.seconds, container.taken())
    for sentence in cuts:
        print(f"grade.py: {sentence}", file=sys.stderr)
    remarks = platform.remarks(homework.rubric.late)

    def keep(report: Report, *, ended: bool = False) -> None:
        platform.keep(replace(report, remarks=remarks, notes=(*report.notes, *cuts)), homework, ended=ended)

    stop_at(end)
    try:
        report = grading.grade(
            submission,
            fitting,
            seed=homework.answers.draw_seed() if arguments.seed is None else arguments.seed,
            only=arguments.only,
            launch=zygotes.launch,
            data=datasets.Store(homework, arguments.data_root),
            on_task=keep,
        )
    except grading.Interrupted as stopped:
        report = stopped.report
        keep(report)  # at once: the pictures of all measurements take a while
    finally:
        stop_at(None)
    keep(report, ended=True)
    if platform.staff_log:
        text.show(report, audience="staff")
    return FAULT if report.faulty else GRADED


def unconfined_sections(homework: Homework, only: Collection[str], zygotes: Zygotes) -> Iterator[str]:
    """The required properties that do not hold where something is graded. It warms the zygotes of all that is."""
    found: dict[str, None] = {}
    for section in homework.rubric.sections:
        tasks = [task for task in homework.rubric.tasks if task.section == section.id]
        asked = any(grading.asked_for(item, task, only) for task in tasks for item in task.items)
        if asked and not grading.missing(section):
            found |= dict.fromkeys(unconfined(section, homework, zygotes))
    yield from found


def stop_at(end: float | None) -> None:
    """Interrupt the run in time, where the system has such a clock: what was measured is written before the platform
    ends all. cli.py makes a KeyboardInterrupt of the signal."""
    if hasattr(signal, "setitimer") and callable(signal.getsignal(signal.SIGALRM)):
        signal.setitimer(signal.ITIMER_REAL, 0 if end is None else max(end - time.monotonic(), 0.001))
