"""On Gradescope: /autograder holds the submission, what is known of it, and where results.json goes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from grader.course import visibility
from grader.course.export import gradescope
from grader.course.gradebook import days_late, lateness
from grader.course.student import handed_in
from grader.course.times import moment
from grader.files import write
from grader.model import Homework, Late, Remarks, Report, Row, Student
from grader.platform.album import Album

ROOT = Path("/autograder")


class Gradescope:
    """One submission, in Gradescope's container."""

    staff_log = True

    def __init__(self, root: Path) -> None:
        self.submission = root / "submission"
        self.result = root / "results" / "results.json"
        self.told = metadata(root / "submission_metadata.json")
        self.album = Album()

    def remarks(self, late: Late | None) -> Remarks:
        """What lateness costs by the rubric; nothing if the rubric or Gradescope says nothing about it."""
        at, due = moment(self.told.get("created_at")), self.due()
        if late is None or at is None or due is None:
            return Remarks()
        days = days_late(at, due, late)
        return Remarks(late_days=days, penalty=lateness(days, late))

    def due(self) -> datetime | None:
        """The due date: of several members of a group, the one who has the longest."""
        own = [one.get("assignment") for one in people(self.told)]
        dates = [moment(one.get("due_date")) for one in (*own, self.told.get("assignment")) if isinstance(one, dict)]
        return max((date for date in dates if date is not None), default=None)

    def student(self) -> Student:
        name = next((str(one["name"]) for one in people(self.told) if one.get("name")), "the submission")
        return handed_in(name, name, ())

    def keep(self, report: Report, homework: Homework, *, ended: bool) -> None:
        """Write what there is so far over what was there before, whole or not at all."""
        pictures = self.album.of(report, visibility.shown(report, homework.rubric) if ended else None)
        self.put(gradescope.render(Row(self.student(), report), homework.rubric, pictures))

    def refuse(self, sentence: str, homework: Homework) -> None:
        """Say why nothing was graded."""
        self.put(json.dumps({"score": 0, "output": sentence, "output_format": "text", "tests": []}, indent=2) + "\n")

    def put(self, document: str) -> None:
        self.result.parent.mkdir(parents=True, exist_ok=True)
        write(self.result, document)


def metadata(path: Path) -> dict[str, Any]:
    """What Gradescope says of the submission; nothing where the file is absent or unreadable."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def people(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    users = told.get("users")
    return (one for one in users if isinstance(one, dict)) if isinstance(users, list) else iter(())
