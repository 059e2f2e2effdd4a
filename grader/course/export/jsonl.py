"""One JSON object per student and line, with all data, for programs. Reports follow report.schema.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from grader.course.export.sheet import grade
from grader.model import Row, Rubric
from grader.report import json as report_json
from grader.report.audience import presented
from grader.report.wording import harmless, state


def render(rows: Sequence[Row], rubric: Rubric) -> str:
    return "".join(f"{json.dumps(line(row), allow_nan=False)}\n" for row in rows)


def line(row: Row) -> dict[str, Any]:
    report = presented(row.report, "staff") if row.report else None
    return {
        "student": row.student.id,
        "name": harmless(row.student.name),
        "ids": {harmless(name): harmless(value) for name, value in row.student.ids.items()},
        "state": state(row),
        "problem": harmless(row.student.problem),
        "submitted_at": row.student.submitted_at.isoformat() if row.student.submitted_at else None,
        "due": row.due.isoformat() if row.due else None,
        "late_days": report.remarks.late_days if report else None,
        "penalty_percent": report.remarks.penalty if report else None,
        "adjusted": report.adjusted if report else None,
        "final": grade(row),
        "adjustments": [
            {"item": one.item, "points": one.points, "author": one.author, "time": one.time.isoformat(), "why": one.why}
            for one in (report.remarks.adjustments if report else ())
        ],
        "report": report_json.document(report) if report else None,
    }
