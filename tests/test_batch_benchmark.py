"""The batch benchmark: its limit grades what it is given, and says so where it does not."""

from __future__ import annotations

import sys

import pytest

from grader import grading, loading
from grader.intake.submission import read, stubs
from grader.sandbox import reader

sys.path.insert(0, str(loading.ROOT))
from tests.benchmarks import batch

pytestmark = [pytest.mark.medium, pytest.mark.skipif(not reader.FORKS, reason="forks on Linux alone")]


@pytest.fixture
def limit(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "Session", batch.Bare)
    homework = loading.load(loading.OWN)
    wanted = [name for section in homework.rubric.sections for name in section.submit]
    given = [read(path, wanted, stubs(homework.handout, wanted)) for path in batch.class_of(tmp_path, 2, ("right",))]
    return batch.limit(given, homework, 2)


def test_a_bare_fork_grades_a_submission_and_gives_it_every_point(limit, monkeypatch):
    grade = grading.grade

    def in_full(*args, **named):
        report = grade(*args, **named)
        assert all(item.score == item.max_score for task in report.tasks for item in task.items)
        return report

    monkeypatch.setattr(grading, "grade", in_full)
    limit()


def test_a_bare_fork_that_does_not_grade_is_no_measurement(limit, monkeypatch):
    monkeypatch.setattr(grading, "grade", lambda *args, **named: 1 / 0)
    with pytest.raises(SystemExit, match="did not grade its submission"):
        limit()
