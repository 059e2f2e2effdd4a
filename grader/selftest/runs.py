"""Grades many submissions of one homework: in this process, or in warm processes on every core."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.course.job import homework_at, zygotes_of
from grader.course.pool import Pool
from grader.grading import grade
from grader.model import CheckResult, Homework, Limits, Submission
from grader.sandbox.launch import Launch

BATCH = 4  # gradings that a process is given at a time


@dataclass(frozen=True, slots=True)
class Run:
    """One grading: a submission, a seed, the items."""

    submission: Submission
    seed: int
    items: tuple[str, ...]


Outcome = tuple[CheckResult, ...]
Grader = Callable[[Iterable[Run], Limits], Iterator[tuple[Run, Outcome]]]  # in any order


def carried_out(runs: Sequence[Run], limits: Limits, homework: Homework, launch: Launch) -> list[Outcome]:
    """The results of each run's checks."""
    limited = replace(homework, rubric=replace(homework.rubric, limits=limits))
    return [
        grade(run.submission, limited, seed=run.seed, only=run.items, shrink=False, launch=launch).checks
        for run in runs
    ]


def here(homework: Homework, launch: Launch) -> Grader:
    """Grades in this process, one after the other."""

    def graded(runs: Iterable[Run], limits: Limits) -> Iterator[tuple[Run, Outcome]]:
        for run in runs:
            yield run, carried_out([run], limits, homework, launch)[0]

    return graded


def in_pool(folder: Path, runs: Sequence[Run], limits: Limits) -> list[Outcome]:
    """The same in a process of a pool, which loads the homework once."""
    return carried_out(runs, limits, homework_at(folder), zygotes_of(threading.get_ident()).launch)


@contextmanager
def pooled(folder: Path, width: int) -> Iterator[Grader]:
    """Grades in `width` processes."""
    with TemporaryDirectory() as scratch:
        pool = Pool(width, Path(scratch))
        executor = pool.start()

        def graded(runs: Iterable[Run], limits: Limits) -> Iterator[tuple[Run, Outcome]]:
            return spread(executor, folder, iter(runs), limits, width)

        try:
            yield graded
        finally:
            pool.stop()


def spread(
    executor: Executor, folder: Path, runs: Iterator[Run], limits: Limits, width: int
) -> Iterator[tuple[Run, Outcome]]:
    """Keep each process busy, with one batch waiting behind the one it works on."""
    flying: dict[Future[list[Outcome]], list[Run]] = {}
    while True:
        while len(flying) < 2 * width and (batch := list(islice(runs, BATCH))):
            flying[executor.submit(in_pool, folder, batch, limits)] = batch
        if not flying:
            return
        for future in wait(flying, return_when=FIRST_COMPLETED).done:
            yield from zip(flying.pop(future), future.result(), strict=True)
