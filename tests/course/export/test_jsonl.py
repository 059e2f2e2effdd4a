"""One object per line, whatever a student's text holds, and a report that follows the schema."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from grader.course.export import jsonl
from grader.report import json as report_json

SCHEMA = json.loads((Path(report_json.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))


def test_each_line_holds_all_of_one_student(rows, rubric):
    text = jsonl.render(rows, rubric)
    ada, doe, eve, nil, unread = [json.loads(line) for line in text.split("\n")[:-1]]
    for one in (ada, doe, eve):
        jsonschema.validate(one["report"], SCHEMA)
    assert (ada["final"], ada["state"], ada["ids"]["SIS Login ID"]) == (8.333333333, "graded", "ada")
    assert ada["submitted_at"] == "2026-11-20T12:00:00+00:00"
    assert (doe["late_days"], doe["penalty_percent"]) == (2, 20)
    assert doe["adjustments"] == [
        {"item": "2.1", "points": 4, "author": "Grace", "time": "2026-11-23T00:00:00+00:00",
         "why": 'a "nearly" right idea'}
    ]  # fmt: skip
    assert (eve["final"], eve["state"]) == (None, "needs review")
    assert (nil["report"], nil["state"]) == (None, "not handed in")
    assert (unread["state"], unread["problem"]) == ("not graded", "zip.zip is damaged")
    assert "\x1b" not in text
    assert eve["name"] == '=HYPERLINK("http://example.invalid";"x") Eve, Ma;l'
