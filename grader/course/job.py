"""Grades one submission of a class in a process of the pool, on this or another machine.

Only bytes and plain data travel, so the machines need no shared disk. Each process loads the homework once and keeps
one zygote per section. It refuses a job that was made for other code or data than its own.
"""

from __future__ import annotations

import gc
import os
import platform
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from grader import drawing, grading
from grader.course import result_keys
from grader.course.result_keys import Terms
from grader.data import datasets
from grader.errors import UsageError
from grader.loading import ROOT, load
from grader.model import Homework, Remarks, Report, Section, Submission, TaskResult
from grader.report import json as report_json
from grader.report.audience import Audience
from grader.sandbox.launch import Zygotes
from grader.sandbox.required import required
from grader.sandbox.session import Session

Document = Mapping[str, Any]
STARTED = time.time()  # a process runs the code that it read then, even if the files change later


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of the homework and the data; None means the process's own default."""

    homework: Path | None = None
    data_root: Path | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One submission, and what to do with it.

    `tasks` maps each task to grade to the digest of its inputs. `kept` holds documents of tasks that need no grading.
    `remarks` are used only for the pages; `audiences` says for whom to draw pages.
    """

    student: str
    submission: Submission
    tasks: Mapping[str, str]
    kept: Mapping[str, Document] = field(default_factory=dict)
    remarks: Remarks = field(default_factory=Remarks)
    audiences: tuple[Audience, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a job: a document for each graded task, the report's document, and a page for each audience.

    `starved` is the share of the time in which some process of the machine waited for a core. `undrawn` says why a page
    is missing; "" if none is.
    """

    results: Mapping[str, Document]
    report: Document
    pages: Mapping[Audience, str]
    starved: float
    undrawn: str = ""


def work(place: Place, terms: Terms, job: Job) -> Done:
    """Grade the job's tasks, assemble the report, draw its pages. Raises UsageError if this machine cannot grade it."""
    began, waited = time.monotonic(), waited_for_cores()
    results: dict[str, Document] = {}
    if job.tasks:
        bench = set_up(place, terms, threading.get_ident())
        bench.check(job.tasks)
        results = bench.grade(job)
    homework = homework_at(place.homework)
    report = put_together(job.submission, homework, terms, {**job.kept, **results})
    starved = (waited_for_cores() - waited) / (time.monotonic() - began)
    pages, undrawn = drawn(report, job)
    return Done(results, report_json.document(report), pages, starved, undrawn)


def homework_at(folder: Path | None) -> Homework:
    return loaded(folder or ROOT / "grader" / "homework")


loaded = lru_cache(load)


def unconfined(section: Section, homework: Homework, zygotes: Zygotes) -> tuple[str, ...]:
    """The required properties of confinement that do not hold here, tried before any student's code runs."""
    nobody = Submission("nobody", {}, {}, "")
    with Session(section, nobody, homework.handout, homework.rubric.limits, zygotes.launch(section)) as session:
        assert session.process is not None
        return tuple(required(session.process.greeting()))


@lru_cache
def zygotes_of(thread: int) -> Zygotes:
    """A thread's own zygotes, for the life of the process. A zygote serves one thread at a time."""
    return Zygotes(ahead=True)


@cache
def set_up(place: Place, terms: Terms, thread: int) -> Bench:
    """The Bench of a thread for a class."""
    return Bench(place, terms, zygotes_of(thread))


class Bench:
    """A loaded homework with warm zygotes and data sets that are read only once."""

    def __init__(self, place: Place, terms: Terms, zygotes: Zygotes) -> None:
        self.homework = homework_at(place.homework)
        if result_keys.changed_since(self.homework, STARTED):
            raise UsageError(f"the grader's files changed after its worker on {platform.node()} started; restart it")
        self.terms = terms
        self.zygotes = zygotes
        root = datasets.root(place.data_root)
        self.digests = result_keys.of_tasks(self.homework, terms, root)
        self.data = datasets.Store(self.homework, root, unverified=terms.unverified)
        self.held: set[str] = set()
        gc.freeze()  # what is loaded now stays: the collector need not look at it again

    def hold(self, section: Section) -> None:
        """Raise UsageError if confinement lacks a required property, before any student's code runs."""
        if section.id in self.held:
            return
        open_ = unconfined(section, self.homework, self.zygotes)
        if open_ and not self.terms.allow_unsafe:
            raise UsageError(
                f"student code would not be confined on {platform.node()}: {'; '.join(open_)}; "
                "fix that, or grade anyway with --allow-unsafe"
            )
        self.held.add(section.id)

    def check(self, tasks: Mapping[str, str]) -> None:
        """Raise UsageError for a job that was made for other code, data or versions than this machine has."""
        other = [task for task, digest in tasks.items() if self.digests.get(task) != digest]
        if other:
            raise UsageError(
                f"{platform.node()} has other code, data or versions for task {', '.join(other)} than the machine that "
                "started the batch; install the same ones on every machine"
            )

    def grade(self, job: Job) -> dict[str, Document]:
        """A document for each task of the job. Raises UsageError if student code would not be confined."""
        chosen = [task for task in result_keys.tasks_of(self.homework, self.terms.only) if task.id in job.tasks]
        for section in self.homework.rubric.sections:
            if any(task.section == section.id for task in chosen) and not grading.missing(section):
                self.hold(section)
        report = grading.grade(
            job.submission,
            self.homework,
            seed=self.terms.seed,
            only=[item.id for task in chosen for item in task.items],
            launch=self.zygotes.launch,
            data=self.data,
            full=self.terms.full,
        )
        return {task.id: self.document(task, report, job.submission) for task in report.tasks}

    def document(self, task: TaskResult, report: Report, submission: Submission) -> Document:
        """A task's result, with isolation, versions and notes of the report that concern it."""
        planned = next(one for one in self.homework.rubric.tasks if one.id == task.id)
        section = result_keys.section_of(self.homework, planned)
        read = result_keys.reads(planned) & report.provenance.versions.keys()
        told = read | (set(section.needs) & report.provenance.versions.keys())
        return {
            "task": report_json.task(task),
            "isolation": report.provenance.isolation,
            "versions": {name: report.provenance.versions[name] for name in sorted(told)},
            "notes": [note for note in report.notes if note not in submission.notes] if read else [],
        }


def put_together(submission: Submission, homework: Homework, terms: Terms, documents: Mapping[str, Document]) -> Report:
    """Assemble a report from documents of tasks, graded now or earlier."""
    found = [documents[task.id] for task in homework.rubric.tasks if task.id in documents]
    tasks = tuple(report_json.parse_task(one["task"]) for one in found)
    ran = dict.fromkeys(one["isolation"] for one in found if one["isolation"] not in ("", grading.NOTHING_RAN))
    versions = {name: value for one in found for name, value in one["versions"].items()}
    return Report(
        title=homework.rubric.title,
        submission=submission.name,
        digest=submission.digest,
        tasks=tasks,
        needs_review=tuple(grading.questions(tasks)),
        provenance=grading.provenance(homework, terms.seed, "; ".join(ran), versions),
        notes=tuple(dict.fromkeys([*submission.notes, *(note for one in found for note in one["notes"])])),
    )


def drawn(report: Report, job: Job) -> tuple[dict[Audience, str], str]:
    """The job's pages, and why one is missing: no result is lost for it."""
    pages, undrawn = {}, ""
    for audience in job.audiences:
        try:
            pages[audience] = page(report, job.remarks, audience)
        except Exception as error:
            undrawn = f"{type(error).__name__}: {error}".strip().rpartition("\n")[2]
    return pages, undrawn


def page(report: Report, remarks: Remarks, audience: Audience) -> str:
    """A report's page, with adjustments and the late penalty."""
    return drawing.page(replace(report, remarks=remarks), audience=audience)


def waited_for_cores() -> float:
    """Seconds so far in which some process of the system waited for a core. Estimated from the load if the system does
    not count them."""
    try:
        told = re.search(r"some .*total=(\d+)", Path("/proc/pressure/cpu").read_text(encoding="ascii"))
    except OSError:
        told = None
    if told:
        return int(told[1]) / 1e6
    busy = hasattr(os, "getloadavg") and os.getloadavg()[0] > (os.cpu_count() or 1)
    return time.monotonic() if busy else 0.0
