"""A Report to strict JSON, as report.schema.json defines it, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from grader.model import (
    CheckResult,
    Ending,
    Figure,
    FollowThrough,
    ItemResult,
    Measure,
    Provenance,
    Report,
    TaskResult,
    Verdict,
)
from grader.report.audience import Audience, presented

SCHEMA = 1
# Of a check; like `followed`, missing in earlier reports.
LATER = ("memory", "killed", "visibility", "example", "broke")


def render(report: Report, *, audience: Audience = "student") -> str:
    """One JSON object (RFC 8259). JSON has no inf and nan, so they become the strings "inf", "-inf" and "nan"."""
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
        "interrupted": report.interrupted,
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
        "memory": given.memory,
        "killed": given.killed,
        "example": given.example,
        "broke": given.broke,
        "visibility": given.visibility,
        "followed": followed(given.followed) if given.followed else None,
    }


def followed(given: FollowThrough) -> dict[str, Any]:
    return {
        "wrong": list(given.wrong),
        "missing": list(given.missing),
        "items": list(given.items),
        "first": ending(given.first),
        "again": ending(given.again),
        "said": given.said,
    }


def ending(given: Ending) -> dict[str, Any]:
    return {
        "verdict": given.verdict.value,
        "earned": given.earned,
        "message": given.message,
        "where": given.where,
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


def parse(document: Mapping[str, Any]) -> Report:
    """The Report in `document`. Raises ValueError for another schema, KeyError if it is not a report."""
    if document["schema"] != SCHEMA:
        raise ValueError(f"the report has schema {document['schema']}, but this version reads schema {SCHEMA}")
    return Report(
        title=document["title"],
        submission=document["submission"]["name"],
        digest=document["submission"]["digest"],
        tasks=tuple(parse_task(each) for each in document["tasks"]),
        needs_review=tuple(document["needs_review"]),
        provenance=Provenance(**document["provenance"]),
        notes=tuple(document["notes"]),
        interrupted=document.get("interrupted", False),  # missing in reports of earlier versions
    )


def parse_task(given: Mapping[str, Any]) -> TaskResult:
    items = tuple(
        ItemResult(one["id"], one["title"], one["score"], one["max_score"], tuple(map(parse_check, one["checks"])))
        for one in given["items"]
    )
    return TaskResult(given["id"], given["title"], items)


def parse_check(given: Mapping[str, Any]) -> CheckResult:
    told = {
        name: given[name] for name in ("name", "title", "earned", "points", "message", "where", "output", "seconds")
    }
    later = {name: given[name] for name in LATER if name in given}
    return CheckResult(
        **told,
        **later,
        verdict=Verdict(given["verdict"]),
        advice=tuple(given["advice"]),
        measures=tuple(
            Measure(one["name"], float(one["value"]), float(one["bound"]), one["at_least"]) for one in given["measures"]
        ),
        figures=tuple(Figure(one["kind"], one["title"], one["data"]) for one in given["figures"]),
        review=tuple(given["review"]),
        followed=parse_followed(given["followed"]) if given.get("followed") else None,
    )


def parse_followed(given: Mapping[str, Any]) -> FollowThrough:
    first, again = (Ending(**given[one] | {"verdict": Verdict(given[one]["verdict"])}) for one in ("first", "again"))
    missing = given.get("missing", ())  # not told in reports of earlier versions
    return FollowThrough(
        tuple(given["wrong"]), tuple(given["items"]), first, again, given["said"], missing=tuple(missing)
    )
