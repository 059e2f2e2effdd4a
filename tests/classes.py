"""Classes to grade, and a pool that does as a test says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from grader.course import batch
from grader.course.gradebook import Gradebook
from grader.course.job import Done, Job, Place, homework_at, page, put_together
from grader.course.result_keys import Terms
from grader.loading import ROOT
from grader.model import Verdict
from grader.report import json as report_json

HOMEWORK = Place()
SUBMISSIONS = Path(__file__).parent / "submissions"
STARRED = {path.name: path for path in (ROOT / "reference").rglob("*.py")}
WANTED = ("functions.py", "layers.py", "two_layer_net.py", "train.py")
CLASS = (
    "right-loops",
    "wrong-nan",
    "wrong-fc-bias-mean",
    "odd-sys-exit-at-import",
    "right-tabs",
    "wrong-l2-without-half",
)
VARIES = ("seconds", "memory", "grader_digest")  # the last, so that editing beside a long test does not fail it
Act = Callable[[Job, int], Done]  # what becomes of a job on its n-th time, from 1


def class_of(folder: Path, *names: str) -> Path:
    """A folder with a submission for each name of tests/submissions, over the reference."""
    for name in names:
        target = folder / name
        target.mkdir(parents=True)
        for base in WANTED:
            own = SUBMISSIONS / name / base
            shutil.copyfile(own if own.is_file() else STARRED[base], target / base)
    return folder


class AtOnce(Executor):
    """Does each job as it is handed in, here."""

    def submit(self, work: Callable[..., Done], /, *args: Any) -> Future[Done]:
        future: Future[Done] = Future()
        try:
            future.set_result(work(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class Workers:
    """Workers whose executors are `AtOnce`; counts what was started."""

    width = 2

    def __init__(self) -> None:
        self.started = self.stopped = 0

    def start(self) -> Executor:
        self.started += 1
        return AtOnce()

    def stop(self) -> None:
        self.stopped += 1


def graded(job: Job, verdict: Verdict = Verdict.PASS, starved: float = 0.0, seed: int = 5) -> Done:
    """As if every check of the job's tasks had ended in `verdict`."""
    homework, terms = homework_at(HOMEWORK.homework), Terms(seed)
    results = {}
    for task in job.tasks:
        document = json.loads(json.dumps(batch.fault(homework, terms, task, "")))
        for item in document["task"]["items"]:
            for check in item["checks"]:
                if check["verdict"] == "INTERNAL":
                    check["verdict"] = verdict.value
                    check["earned"] = check["points"] if verdict is Verdict.PASS else 0.0
            item["score"] = sum(check["earned"] for check in item["checks"])
        results[task] = document
    report = put_together(job.submission, homework, terms, {**job.kept, **results})
    pages = {audience: page(report, job.remarks, audience) for audience in job.audiences}
    return Done(results, report_json.document(report), pages, starved)


def grade(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "grade.py"), "batch", *map(str, arguments)],
        capture_output=True, text=True, timeout=300, cwd=ROOT, check=False, **options,
    )  # fmt: skip


def reports(folder: Path) -> dict[str, Any]:
    """Every report of the last run, without how long its checks took and which text the grader's files had."""
    with Gradebook.open(folder) as book:
        found = {id_: report_json.document(book.report(id_)) for id_ in book.graded()}
    return {id_: timeless(document) for id_, document in found.items()}


def timeless(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: timeless(value) for key, value in document.items() if key not in VARIES}
    return [timeless(value) for value in document] if isinstance(document, list) else document
