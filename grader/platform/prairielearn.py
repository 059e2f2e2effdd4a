"""On PrairieLearn: /grade holds the student's files, and results/results.json goes back, at most 1 MB of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.course import visibility
from grader.course.export.gradescope import overview, said
from grader.files import write
from grader.model import CheckResult, Homework, ItemResult, Late, Remarks, Report
from grader.platform.album import Album
from grader.report.audience import presented
from grader.report.png import Drawn
from grader.report.wording import capped, checks

MOST = 950_000  # bytes of results.json; PrairieLearn takes 1 MB


class PrairieLearn:
    """One submission, in an external grader's container."""

    staff_log = True

    def __init__(self, root: Path) -> None:
        self.submission = root / "student"
        self.result = root / "results" / "results.json"
        self.album = Album()

    def remarks(self, late: Late | None) -> Remarks:
        """PrairieLearn's access rules say what lateness costs."""
        return Remarks()

    def keep(self, report: Report, homework: Homework, *, ended: bool) -> None:
        """Write what there is so far over what was there before, whole or not at all."""
        seen = visibility.shown(report, homework.rubric)
        self.put(document(report, homework, self.album.of(seen, seen if ended else None)))

    def refuse(self, sentence: str, homework: Homework) -> None:
        """A submission that cannot be graded costs no attempt."""
        self.put({"gradable": False, "message": sentence, "format_errors": [sentence]})

    def put(self, told: Mapping[str, Any]) -> None:
        self.result.parent.mkdir(parents=True, exist_ok=True)
        write(self.result, json.dumps(told, allow_nan=False) + "\n")


def document(report: Report, homework: Homework, pictures: Mapping[str, Sequence[Drawn]]) -> dict[str, Any]:
    """The result with as many pictures as there is room for, those of checks first."""
    seen = presented(visibility.shown(report, homework.rubric), "student")
    tests = {check.name: test(item, check) for item, check in checks(seen)}
    whole: dict[str, Any] = {
        "gradable": True,
        "score": min(max(report.final / report.max_score, 0.0), 1.0) if report.max_score else 0.0,
        "message": "\n".join(overview(report, homework.rubric)),
        "tests": list(tests.values()),
    }
    room = MOST - len(json.dumps(whole))
    places = tests | {"": whole}
    for name in (one for one in places if one in pictures):
        for one in pictures[name]:
            image = {"label": one.title, "url": one.url}
            room -= len(json.dumps(image)) + 20
            if room > 0:
                places[name].setdefault("images", []).append(image)
    return whole


def test(item: ItemResult, check: CheckResult) -> dict[str, Any]:
    told = [line for line in said(check) if not line.startswith("printed:")]
    return {
        "name": f"{item.id} {check.title}",
        "points": round(check.earned, 2),
        "max_points": round(check.points, 2),
        "message": "\n".join(told),
        "output": capped(check.output) if check.output.strip() else "",
    }
