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
from grader.errors import UsageError
from grader.files import write
from grader.model import Homework, ItemResult, Late, Remarks, Report, Verdict
from grader.report import markdown
from grader.report.audience import presented
from grader.report.wording import harmless

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
RESULT, BODY = "result.json", "release-body.md"
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
        for name in (RESULT, BODY):
            clear(root / name)
        self.given["assignment_type"] = environment.get("ASSIGNMENT_TYPE") or "individual"

    def remarks(self, late: Late | None) -> Remarks:
        """Classroom 50 marks itself who was late."""
        return Remarks()

    def keep(self, report: Report, homework: Homework, *, ended: bool) -> None:
        """Write what there is so far. The page is the student's, so it counts what the student sees at once."""
        seen = visibility.shown(report, homework.rubric)
        tests = [test(item) for item in presented(seen, "student").items]
        self.put(whole(seen.score), whole(seen.max_score), tests or [LATER], markdown.render(seen))

    def refuse(self, sentence: str, homework: Homework) -> None:
        """Write a failed test for each item: a result without tests looks as if there were nothing to grade."""
        items = homework.rubric.items
        tests = [entry(item.id, item.title, False, 0.0, item.points, sentence) for item in items]
        self.put(0, whole(math.fsum(item.points for item in items)), tests, f"{markdown.code(harmless(sentence))}\n")

    def put(self, score: int, most: int, tests: list[dict[str, Any]], told: str) -> None:
        document = {
            "schema": SCHEMA,
            **self.given,
            "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),  # the runner puts the commit's in its place
            "score": score,
            "max-score": most,
            "tests": tests,
        }
        write(self.root / BODY, told)
        write(self.root / RESULT, json.dumps(document, indent=2) + "\n")


LATER = {"test-name": "shown later", "passed": True, "score": 0, "max-score": 0}


def clear(path: Path) -> None:
    """Delete what a student's checkout holds in a result's place: a link there would lead the result elsewhere."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path} is in the way of the result ({error.strerror}); delete it") from None


def whole(value: float) -> int:
    return math.floor(value + 0.5)


def test(item: ItemResult) -> dict[str, Any]:
    passed = all(check.verdict is Verdict.PASS for check in item.checks)
    told = "; ".join(check.message for check in item.checks if check.message)
    return entry(item.id, item.title, passed, item.score, item.max_score, told)


def entry(id: str, title: str, passed: bool, earned: float, most: float, message: str) -> dict[str, Any]:
    exact = {"points": round(earned, 2), "max-points": round(most, 2), "message": message}
    return {"test-name": f"{id} {title}", "passed": passed, "score": whole(earned), "max-score": whole(most)} | exact
