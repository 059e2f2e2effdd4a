"""On Classroom 50, the successor of GitHub Classroom: result.json and release-body.md beside the student's files.

The fields are those of its result-v1.schema.json. Its scores are whole numbers, so the exact points stand beside them.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from grader.course import visibility
from grader.course.export.gradescope import overview
from grader.errors import UsageError
from grader.files import write
from grader.model import Homework, ItemResult, Late, Remarks, Report, Verdict
from grader.report.wording import WORD, points, presented

SCHEMA = "classroom50/result/v1"
GIVEN = {  # the result's fields -> the runner's variables
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "owner": "OWNER",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}
INSTEAD = {"OWNER": "USERNAME", "REVIEW_URL": "COMMIT_URL"}  # what older runners set


class Classroom50:
    """One submission: a student's checkout."""

    staff_log = False

    def __init__(self, root: Path, environment: Mapping[str, str] = os.environ) -> None:
        self.root = root
        self.submission = root / "student" if (root / "student").is_dir() else root
        self.given = {
            name: environment.get(key) or environment.get(INSTEAD.get(key, ""), "") for name, key in GIVEN.items()
        }
        if lacking := [key for name, key in GIVEN.items() if not self.given[name]]:
            raise UsageError(f"{', '.join(lacking)} is not set; Classroom 50's runner sets it before it calls this")
        self.given["assignment_type"] = environment.get("ASSIGNMENT_TYPE") or "individual"

    def remarks(self, late: Late | None) -> Remarks:
        """Classroom 50 marks itself who was late."""
        return Remarks()

    def keep(self, report: Report, homework: Homework, *, ended: bool) -> None:
        report = presented(report, "student")
        levels = visibility.of_checks(homework.rubric)
        tests = [test(item, levels) for item in report.items]
        self.put(whole(report.final), whole(report.max_score), tests, body(report, homework))

    def refuse(self, sentence: str, homework: Homework) -> None:
        most = sum(item.points for task in homework.rubric.tasks for item in task.items)
        self.put(0, whole(most), [], f"{escaped(sentence)}\n")

    def put(self, score: int, most: int, tests: list[dict[str, Any]], told: str) -> None:
        document = {
            "schema": SCHEMA,
            **self.given,
            "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),  # the runner puts the commit's in its place
            "score": score,
            "max-score": most,
            "tests": tests,
        }
        write(self.root / "release-body.md", told)
        write(self.root / "result.json", json.dumps(document, indent=2) + "\n")


def whole(value: float) -> int:
    return math.floor(value + 0.5)


def test(item: ItemResult, levels: visibility.Levels) -> dict[str, Any]:
    unseen = any(check.name in levels for check in item.checks)
    return {
        "test-name": f"{item.id} {item.title}",
        "passed": item.verdict is Verdict.PASS,
        "score": whole(item.score),
        "max-score": whole(item.max_score),
        "points": round(item.score, 2),
        "max-points": round(item.max_score, 2),
        "message": "shown later" if unseen else "; ".join(check.message for check in item.checks if check.message),
    }


def body(report: Report, homework: Homework) -> str:
    """The page of the release, in Markdown in which a student's words are text."""
    levels = visibility.of_checks(homework.rubric)
    rows = [
        f"| {' | '.join((item.id, escaped(item.title), of(item), WORD[item.verdict]))} |"
        for item in report.items
        if not any(check.name in levels for check in item.checks)
    ]
    told = "\n\n".join(escaped(line) for line in overview(report, homework.rubric))
    return "\n".join([told, "", "| item | | points | verdict |", "| --- | --- | --- | --- |", *rows, ""])


def of(item: ItemResult) -> str:
    return f"{points(item.score)} / {points(item.max_score)}"


def escaped(text: str) -> str:
    """Text on one line that neither Markdown nor HTML reads as more: a reference for each sign but common ones."""
    return "".join(char if char.isalnum() or char in " ,;%'" else f"&#{ord(char)};" for char in " ".join(text.split()))
