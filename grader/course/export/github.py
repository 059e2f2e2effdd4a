"""A student's annotations for GitHub Actions. Paths are the student's own, or the handout's if those are unknown."""

from __future__ import annotations

from grader.model import Row, Rubric
from grader.report import workflow_commands


def render(row: Row, rubric: Rubric) -> str:
    assert row.report is not None
    places = {path.rpartition("/")[2]: path for section in rubric.sections for path in section.modules.values()}
    return workflow_commands.render(row.report, places | dict(row.student.origin))
