"""A Report as strict JSON, in the shape that report.schema.json fixes."""

from __future__ import annotations

import json
import math
from typing import Any

from grader.model import CheckResult, ItemResult, Measure, Report, TaskResult
from grader.report.wording import Audience, presented

SCHEMA = 1


def render(report: Report, *, audience: Audience = "student") -> str:
    """One JSON object (RFC 8259: inf and nan, which JSON has no number for, are the strings "inf", "-inf", "nan")."""
    return json.dumps(document(presented(report, audience)), indent=2, allow_nan=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    given = report.provenance
    return {
        "schema": SCHEMA,
        "title": report.title,
        "submission": {"name": report.submission, "digest": report.digest},
        "score": report.score,
        "max_score": report.max_score,
        "skipped": report.skipped,
        "tasks": [task(each) for each in report.tasks],
        "needs_review": list(report.needs_review),
        "notes": list(report.notes),
        "provenance": {
            "seed": given.seed,
            "versions": dict(given.versions),
            "rubric_digest": given.rubric_digest,
            "grader_digest": given.grader_digest,
            "fixtures_digest": given.fixtures_digest,
            "isolation": given.isolation,
        },
    }


def task(given: TaskResult) -> dict[str, Any]:
    return {
        "id": given.id,
        "title": given.title,
        "score": given.score,
        "max_score": given.max_score,
        "items": [item(each) for each in given.items],
    }


def item(given: ItemResult) -> dict[str, Any]:
    return {
        "id": given.id,
        "title": given.title,
        "score": given.score,
        "max_score": given.max_score,
        "verdict": given.verdict.value,
        "checks": [check(each) for each in given.checks],
    }


def check(given: CheckResult) -> dict[str, Any]:
    return {
        "name": given.name,
        "title": given.title,
        "verdict": given.verdict.value,
        "earned": given.earned,
        "points": given.points,
        "message": given.message,
        "where": given.where,
        "output": given.output,
        "advice": list(given.advice),
        "seconds": round(given.seconds, 4),
        "measures": [measure(each) for each in given.measures],
        "figures": [{"kind": each.kind, "title": each.title, "data": dict(each.data)} for each in given.figures],
        "review": list(given.review),
    }


def measure(given: Measure) -> dict[str, Any]:
    return {
        "name": given.name,
        "value": finite(given.value),
        "bound": finite(given.bound),
        "at_least": given.at_least,
    }


def finite(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))
