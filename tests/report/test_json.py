"""The JSON report: strict, in the schema's shape, and silent about what is not the student's."""

from __future__ import annotations

import copy
import json as stdlib_json
from pathlib import Path

import jsonschema
import pytest

from grader.report import json

SCHEMA = stdlib_json.loads((Path(json.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def refuse(token):
    raise AssertionError(f"{token} is not JSON")


def load(text):
    return stdlib_json.loads(text, parse_constant=refuse)


def objects(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for value in schema.values():
            yield from objects(value)


def test_the_schema_is_valid_and_closed():
    VALIDATOR.check_schema(SCHEMA)
    closed = list(objects(SCHEMA))
    assert len(closed) == 10
    for each in closed:
        assert each["additionalProperties"] is False
        assert set(each["required"]) == set(each["properties"])


def test_reports_follow_the_schema(report, perfect):
    for given in (report, perfect):
        for audience in ("student", "staff"):
            VALIDATOR.validate(load(json.render(given, audience=audience)))


@pytest.mark.parametrize("spoil", ["score", "extra", "verdict", "measure"])
def test_the_schema_refuses_what_is_not_a_report(report, spoil):
    document = load(json.render(report))
    wrong = copy.deepcopy(document)
    check = wrong["tasks"][0]["items"][0]["checks"][0]
    match spoil:
        case "score":
            wrong["score"] = "50"
        case "extra":
            wrong["surprise"] = 1
        case "verdict":
            check["verdict"] = "GREAT"
        case "measure":
            check["measures"][0]["value"] = "Infinity"
    assert not VALIDATOR.is_valid(wrong)


def test_the_shape_of_the_issue(report):
    document = load(json.render(report))
    assert document["schema"] == 1
    assert (document["score"], document["max_score"]) == (pytest.approx(19 + 1 / 3), 65)
    assert document["skipped"] == 25
    assert document["provenance"]["seed"] == 7
    check = document["tasks"][1]["items"][0]["checks"][1]
    assert (check["name"], check["verdict"], check["where"]) == ("fc_backward", "FAIL", "layers.py:31")
    assert [measure["value"] for measure in check["measures"]] == [4e-12, 8e-12, "inf", "nan"]


def test_a_fault_of_ours_is_detailed_for_staff_only(report):
    assert "secret_reference_value" not in json.render(report)
    assert "secret_reference_value" in json.render(report, audience="staff")


def test_no_escape_and_no_surrogate_comes_through(report):
    text = stdlib_json.dumps(load(json.render(report)), ensure_ascii=False)
    text.encode("utf-8")
    assert not set("\x1b\x9b\x00\u202e") & set(text)
    assert "\\u001b" not in json.render(report)
