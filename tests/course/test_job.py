"""One submission of a class in a process of the pool: whose code it is graded with, and whether it is confined."""

from __future__ import annotations

import time

import pytest
from classes import HOMEWORK

from grader.course import job, result_keys
from grader.course.result_keys import Terms
from grader.errors import UsageError
from grader.sandbox.launch import Zygotes


def test_a_job_for_other_code_is_refused(monkeypatch):
    monkeypatch.setattr(result_keys, "of_tasks", lambda *args: {"2": "here"})
    monkeypatch.setattr(job.Bench, "hold", lambda self, section: None)
    monkeypatch.setattr(job, "STARTED", time.time())
    with Zygotes() as zygotes:
        made = job.Bench(HOMEWORK, Terms(5), zygotes)
        made.check({"2": "here"})
        with pytest.raises(UsageError, match="has other code, data or versions for task 2"):
            made.check({"2": "there"})
        monkeypatch.setattr(job, "STARTED", 0.0)
        with pytest.raises(UsageError, match=r"changed after its worker on .* started; restart it"):
            job.Bench(HOMEWORK, Terms(5), zygotes)


def test_an_unconfined_machine_is_refused_unless_allowed(monkeypatch):
    monkeypatch.setattr(job, "required", lambda held: ("nothing ensures that it stays put (fs)",))
    section = job.homework_at(None).rubric.sections[0]
    with Zygotes() as zygotes:
        with pytest.raises(UsageError, match=r"would not be confined on .*stays put \(fs\); .*--allow-unsafe"):
            job.Bench(HOMEWORK, Terms(5), zygotes).hold(section)
        job.Bench(HOMEWORK, Terms(5, allow_unsafe=True), zygotes).hold(section)
