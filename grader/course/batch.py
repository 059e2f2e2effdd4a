"""Grades a whole class with any concurrent.futures.Executor, and records each result as soon as it exists.

Unchanged submissions are not graded again. If a grading process dies, its submission is graded again, alone; if that
fails too, a person must look. A timeout while the machine was short of cores counts only if it happens again when the
submission is graded alone. The same holds for a student's process that the system killed; killed again, it is a
question, and the next run grades it once more.
"""

from __future__ import annotations

import errno
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader import grading
from grader.course import pages, people, result_keys, takes
from grader.course.database import REPORTS
from grader.course.gradebook import Gradebook, Run
from grader.course.job import Document, Done, Job, Place, drawn, homework_at, put_together, work
from grader.course.pool import Workers
from grader.course.result_keys import Terms
from grader.data import datasets
from grader.errors import SubmissionError, UsageError
from grader.intake import submission
from grader.model import CheckResult, Homework, Report, Student, Submission, TaskResult, Verdict
from grader.report import json as report_json
from grader.report.audience import Audience
from grader.sandbox.reader import ReaderFault

TICK = 0.5  # seconds between two looks at the clock while no job ends
PAUSES = (0.0, 0.1, 1.0)  # seconds before each start of grading processes: what forked them may still be ending
FAULT = "a fault of the grader; a person must look at it"
BUSY = 0.5  # if processes waited for a core more than this share of the time, a timeout is not yet the student's fault


@dataclass(slots=True)
class Progress:
    """The progress of a run. `running` lists (student, seconds) of the submissions being graded, the longest first.
    `faults` maps students to what failed of the grader. `idle` says that a cluster has no worker for the waiting
    submissions."""

    total: int
    kept: int = 0
    graded: int = 0
    failed: int = 0
    absent: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    running: list[tuple[str, float]] = field(default_factory=list)
    idle: bool = False
    seconds: float = 0.0

    @property
    def done(self) -> int:
        return self.kept + self.graded + self.failed + self.absent

    @property
    def left(self) -> float | None:
        """Estimated seconds for the rest; None before the first measurement."""
        return (self.total - self.done) * self.seconds / self.graded if self.graded else None


@dataclass(slots=True)
class Attempt:
    """A student's job. `alone` says that it failed beside other jobs and now runs alone.

    `executor` is set when it is submitted; `began`, on the monotonic clock, when the executor starts it.
    """

    student: Student
    job: Job
    alone: bool = False
    executor: Executor | None = None
    began: float | None = None


class Batch:
    """One run over one class."""

    def __init__(
        self,
        book: Gradebook,
        run: Run,
        place: Place,
        terms: Terms,
        *,
        workers: Workers,
        audiences: Sequence[Audience] = ("student",),
        fresh: bool = False,
        again: Collection[str] = (),
        show: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.book, self.run, self.place, self.terms = book, run, place, terms
        self.workers, self.audiences, self.fresh, self.show = workers, tuple(audiences), fresh, show
        self.homework = homework_at(place.homework)
        self.digests = result_keys.of_tasks(self.homework, terms, datasets.root(place.data_root))
        self.anew = frozenset(again)
        self.wanted = self.homework.rubric.wanted
        self.stubs = submission.stubs(self.homework.handout, self.wanted)
        self.again: deque[Attempt] = deque()
        self.flying: dict[Future[Done], Attempt] = {}
        self.executor: Executor | None = None

    @property
    def made_up(self) -> list[str]:
        """The tasks that use stand-in data, because the data set is not installed."""
        root = datasets.root(self.place.data_root)
        chosen = result_keys.tasks_of(self.homework, self.terms.only)
        return [task.id for task in chosen if result_keys.lacks_data(self.homework, task, root)]

    def grade(self, students: Sequence[Student]) -> Progress:
        """Grade and record everyone in the class. Raises UsageError if nothing can be graded at all."""
        students = people.with_gone(students, self.book.students(self.run))
        self.progress = Progress(len(students))
        self.began = time.monotonic()
        self.book.enter(self.run, students)
        make(self.book.folder / REPORTS)
        self.remove_old_pages(students)
        try:
            waiting = self.jobs(students)
            while self.fill(waiting):
                self.collect()
            while self.again:
                self.launch(self.again.popleft())
                while self.flying:
                    self.collect()
        except BaseException:
            self.salvage()
            raise
        finally:
            self.workers.stop()
        self.book.end(self.run)
        self.tell()
        return self.progress

    def remove_old_pages(self, students: Sequence[Student]) -> None:
        """Remove pages that students had under an earlier id; they are drawn again under the current id."""
        for student in students:
            for id_ in self.book.known_as(student.id) - {student.id}:
                pages.remove(self.book, id_)

    # What there is to do

    def jobs(self, students: Sequence[Student]) -> Iterator[Attempt]:
        """Yield the students who must be graded; record everyone else."""
        submission.prepare(self.homework.reference, self.wanted)
        inside: dict[str, str] = {}  # what files in somebody's work are called -> their place
        absent = [one for one in students if not one.parts and not one.problem]
        for student in (one for one in students if one.parts or one.problem):
            if student.problem:
                self.record_nothing(student)
                self.progress.failed += 1
                continue
            try:
                work = self.read(student)
                takes.see(self.book.database, student.id, work.there)
                inside |= people.inside(student, work.there)
            except SubmissionError as error:
                self.record_nothing(replace(student, problem=str(error)))
                self.progress.failed += 1
                continue
            except ReaderFault as error:
                last = str(error).strip().rpartition("\n")[2]
                problem = f"a fault of the grader kept this from being read ({last}); a person has to look at it"
                self.record_nothing(replace(student, problem=problem))
                self.progress.failed += 1
                self.progress.faults[student.id] = FAULT
                continue
            student = replace(student, digest=work.digest, origin=work.origin)
            job = self.job(student, work)
            if job.tasks or not self.settled(student, job):
                yield Attempt(student, job)

        for student in absent:
            place = next((inside[name] for name in people.spellings(student) if name in inside), "")
            cure = "if it is, put it beside the other submissions"
            student = replace(student, problem=f"{place} may be this student's; {cure}" if place else "")
            self.record_nothing(student)
            self.progress.absent += not student.problem
            self.progress.failed += bool(student.problem)

    def record_nothing(self, student: Student) -> None:
        """Record a student without gradable work, and remove the page of an earlier run."""
        self.book.record(student, None, self.run)
        pages.remove(self.book, student.id)

    def read(self, student: Student) -> Submission:
        """Read what a student handed in. Raises SubmissionError."""
        (name, path), *more = student.parts
        loose = more or (path.is_file() and name != path.name)
        return submission.read(
            path.parent if loose else path,
            self.wanted,
            self.stubs,
            name=student.name,
            parts=student.parts if loose else (),
            takes=takes.of_student(self.book.database, self.book.known_as(student.id)),
            limits=self.homework.rubric.limits,
        )

    def job(self, student: Student, work: Submission) -> Job:
        kept: dict[str, Document] = {}
        since = self.run.began if self.fresh or student.id in self.anew else None
        for task in self.digests:
            result = self.book.result(self.key(task, work), since)
            if result is not None:
                kept[task] = result
        tasks = {task: rests_on for task, rests_on in self.digests.items() if task not in kept}
        asked = {*self.audiences, *pages.there(self.book, student.id)}  # existing pages must not become outdated
        audiences = tuple(audience for audience in pages.AUDIENCES if audience in asked)
        return Job(student.id, work, tasks, kept, self.book.remarks(student.id, self.run), audiences)

    def key(self, task: str, work: Submission) -> str:
        planned = next(one for one in self.homework.rubric.tasks if one.id == task)
        return result_keys.of_result(self.digests[task], result_keys.section_of(self.homework, planned), work)

    def settled(self, student: Student, job: Job) -> bool:
        """Whether a student's results and pages all exist already. If so, record them in this run."""
        report = put_together(job.submission, self.homework, self.terms, job.kept)
        for audience in job.audiences:
            made_of = pages.digest_of(report_json.document(report), job.remarks, audience)
            if self.book.page(pages.path_of(student.id, audience)) != made_of:
                return False
        self.book.record(student, report, self.run)
        self.progress.kept += 1
        self.tell()
        return True

    # Doing it

    def fill(self, waiting: Iterator[Attempt]) -> bool:
        """Submit jobs to the executor. False if no job is running or waiting."""
        while len(self.flying) < 2 * max(1, self.workers.width):
            attempt = next(waiting, None)
            if attempt is None:
                break
            self.launch(attempt)
        return bool(self.flying)

    def launch(self, attempt: Attempt) -> None:
        for pause in PAUSES:
            time.sleep(pause)
            executor = self.executor = self.executor or self.workers.start()
            try:
                future = executor.submit(work, self.place, self.terms, attempt.job)
            except BrokenExecutor:  # since the last look
                self.executor = None
                continue
            except OSError as error:  # the job is passed as a file
                refuse_full_disk(error)
                raise
            attempt.executor = executor
            self.flying[future] = attempt
            return
        raise UsageError("the grading processes end as soon as they start; check whether the machine has enough memory")

    def collect(self) -> None:
        """Wait until something ends, and record it."""
        ended, _ = wait(self.flying, timeout=TICK, return_when=FIRST_COMPLETED)
        for future in ended:
            attempt = self.flying.pop(future)
            try:
                self.take(attempt, future.result())
            except UsageError:
                raise
            except (BrokenExecutor, CancelledError) as error:
                if attempt.executor is self.executor:
                    self.executor = None  # it is broken; the next launch starts another
                self.handle_failure(attempt, f"the process that graded it ended ({type(error).__name__})")
            except ModuleNotFoundError as error:  # on a cluster's machine; here everything is imported already
                raise UsageError(f"a worker lacks {error.name}; install this package on every machine") from None
            except Exception as error:
                refuse_full_disk(error)
                self.handle_failure(attempt, f"{type(error).__name__}: {error}")
        self.tell()

    def salvage(self) -> None:
        """Record the finished jobs that are not recorded yet, before a run stops early."""
        for future, attempt in self.flying.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self.take(attempt, future.result())

    def take(self, attempt: Attempt, done: Done) -> None:
        """Record a result. If the grader or the machine may be at fault, grade the submission again, alone."""
        doubtful = [name for name, result in done.results.items() if is_doubtful(result, done.starved)]
        if doubtful and not attempt.alone:
            sure = {name: result for name, result in done.results.items() if name not in doubtful}
            job = replace(
                attempt.job, kept={**attempt.job.kept, **sure}, tasks={name: self.digests[name] for name in doubtful}
            )
            self.again.append(Attempt(attempt.student, job, alone=True))
            return
        report = report_json.parse(done.report)
        self.record(attempt, report, {**attempt.job.kept, **done.results})
        self.put_pages(attempt, done.report, done.pages, done.undrawn)

    def put_pages(self, attempt: Attempt, report: Document, written: Mapping[Audience, str], undrawn: str) -> None:
        """Write a student's pages; `undrawn` says why one is missing, or is ""."""
        for audience, page in written.items():
            pages.put(self.book, attempt.student.id, audience, page, report, attempt.job.remarks)
        if undrawn:
            why = f"the points are recorded, but a page could not be drawn ({undrawn}); run the batch again"
            self.progress.faults.setdefault(attempt.student.id, why)

    def record(self, attempt: Attempt, report: Report, documents: Mapping[str, Document]) -> None:
        keep = {
            self.key(task, attempt.job.submission): (task, document)
            for task, document in documents.items()
            if not has(document, Verdict.INTERNAL) and not any(check["killed"] for check in checks(document))
        }
        self.book.record(attempt.student, report, self.run, results=keep)
        if attempt.job.tasks:
            self.progress.graded += 1
            self.progress.seconds = time.monotonic() - self.began
        else:
            self.progress.kept += 1
        if report.faulty:
            self.progress.faults[attempt.student.id] = FAULT

    def handle_failure(self, attempt: Attempt, why: str) -> None:
        """Handle a failure of the grading itself: grade once more, alone; after that, leave all points to a person."""
        if not attempt.alone:
            self.again.append(Attempt(attempt.student, attempt.job, alone=True))
            return
        faulty = {task: fault(self.homework, self.terms, task, why) for task in attempt.job.tasks}
        report = put_together(attempt.job.submission, self.homework, self.terms, {**attempt.job.kept, **faulty})
        self.record(attempt, report, {**attempt.job.kept, **faulty})
        self.put_pages(attempt, report_json.document(report), *drawn(report, attempt.job))

    def tell(self) -> None:
        """Show the progress. An executor takes jobs in order, so the first `width` jobs are running."""
        now = time.monotonic()
        for attempt in list(self.flying.values())[: self.workers.width]:
            attempt.began = attempt.began or now
        began = [(attempt.student.id, attempt.began) for attempt in self.flying.values()]
        running = [(student, now - since) for student, since in began if since is not None]
        self.progress.running = sorted(running, key=lambda one: -one[1])
        self.progress.idle = bool(began) and not running
        self.show(self.progress)


def make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot create {folder} ({error.strerror}); choose another folder with --out") from None


def refuse_full_disk(error: Exception) -> None:
    """Raise UsageError for a full disk: no student is at fault, and every later submission would fail too."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        raise UsageError(
            f"cannot write temporary files ({error.strerror}); free some space or set TMPDIR, then continue with "
            "--resume"
        ) from None


def has(document: Document, verdict: Verdict) -> bool:
    return any(check["verdict"] == verdict for check in checks(document))


def checks(document: Document) -> Iterator[Mapping[str, Any]]:
    return (check for item in document["task"]["items"] for check in item["checks"])


def is_doubtful(document: Document, starved: float) -> bool:
    """Whether a result may be the fault of the grader, or of a machine that was short of cores or memory."""
    killed = any(check["killed"] for check in checks(document))
    return killed or has(document, Verdict.INTERNAL) or (starved > BUSY and has(document, Verdict.TIMEOUT))


def fault(homework: Homework, terms: Terms, task: str, why: str) -> Document:
    """The document of a task that could not be graded: a person must judge each of its checks."""
    planned = next(one for one in result_keys.tasks_of(homework, terms.only) if one.id == task)
    checks = {
        plan.name: CheckResult(
            plan.name, homework.checks[plan.name].title, Verdict.INTERNAL, 0.0, plan.points, message=why
        )
        for item in planned.items
        for plan in item.checks
    }
    result = TaskResult(planned.id, planned.title, tuple(grading.item_result(item, checks) for item in planned.items))
    return {"task": report_json.task(result), "isolation": "", "versions": {}, "notes": []}
