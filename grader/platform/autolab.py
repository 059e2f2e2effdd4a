"""On Autolab: all that is printed is the feedback, and the last line is the scores as JSON.

A student's words cannot be that line, even if the run is killed: each line of feedback begins with a bar, and each
task ends with a line of scores.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader.course import visibility
from grader.course.export.gradescope import overview, said
from grader.errors import UsageError
from grader.grading import unmeasured
from grader.model import Homework, ItemResult, Late, Remarks, Report, TaskResult, Verdict
from grader.report.audience import presented
from grader.report.wording import WORD, points

BAR = "| "


class Autolab:
    """One submission, in the folder `handin` that the Makefile made of it."""

    staff_log = False

    def __init__(self, root: Path) -> None:
        self.submission = root / "handin"
        if not any(self.submission.glob("*")):  # nobody can hand in nothing there, so no student gets a zero for it
            raise UsageError(f"{self.submission} holds nothing; the Makefile of autolab.zip puts the hand-in there")
        self.printed: set[str] = set()

    def remarks(self, late: Late | None) -> Remarks:
        """Autolab takes off for lateness itself."""
        return Remarks()

    def keep(self, report: Report, homework: Homework, *, ended: bool) -> None:
        """Print the tasks that are done and were not printed yet, then the scores so far."""
        seen = presented(visibility.shown(report, homework.rubric), "student")
        for task in seen.tasks:
            measured = any(not unmeasured(check) for item in task.items for check in item.checks)
            if task.id not in self.printed and (measured or ended):
                self.printed.add(task.id)
                say(told for item in task.items for told in feedback(item))
        if ended:
            say(overview(report, homework.rubric))
        put(f"{json.dumps(semantic(seen))}\n{json.dumps({'scores': scores(report)})}\n")

    def refuse(self, sentence: str, homework: Homework) -> None:
        say([sentence])
        put(json.dumps({"scores": {problem(task): 0 for task in homework.rubric.tasks}}) + "\n")


def problem(task: Any) -> str:
    """What a task is called among the problems of the assessment."""
    return f"Task {task.id}"


def scores(report: Report) -> dict[str, float]:
    return {problem(task): round(task.score, 2) for task in report.tasks}


def feedback(item: ItemResult) -> Iterator[str]:
    yield f"{item.id} {item.title}"
    for check in item.checks:
        judged = check.verdict not in (Verdict.SKIPPED, Verdict.INTERNAL)
        earned = f"{points(check.earned)} of {points(check.points)}" if judged else f"- of {points(check.points)}"
        yield f"  {earned:>10}  {WORD[check.verdict]}: {check.title}"
        yield from (f"              {line}" for told in said(check) for line in told.splitlines())


def semantic(report: Report) -> dict[str, Any]:
    """Autolab's own table of what passed: a stage per task."""
    stages = {f"{task.id} {task.title}": tests(task) for task in report.tasks}
    return {"_presentation": "semantic", "stages": list(stages), **stages}


def tests(task: TaskResult) -> dict[str, Any]:
    return {
        f"{item.id} {check.title}": {"passed": check.verdict is Verdict.PASS, "hint": check.message}
        for item in task.items
        for check in item.checks
    }


def say(lines: Any) -> None:
    put("".join(f"{BAR}{line}\n" for told in lines for line in told.splitlines()))


def put(text: str) -> None:
    """Print at once and in one piece, in UTF-8 whatever the container's encoding is: what was printed stays if the run
    is killed."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
