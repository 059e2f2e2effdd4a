"""What other systems accept, in our words, and what holds a text to it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
from lxml import etree

HERE = Path(__file__).parent
# docs.gitlab.com, "Code Quality", and app/validators/json_schemas/codeclimate.json of gitlab-org/gitlab.
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!/|\./|.*\.\./)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def expect_valid(xml: str) -> None:
    """Raise lxml's DocumentInvalid for JUnit XML that `junit.xsd` does not allow."""
    etree.XMLSchema(etree.parse(str(HERE / "junit.xsd"))).assertValid(etree.fromstring(xml.encode()))


def code_quality(text: str) -> list[dict[str, object]]:
    """GitLab's report, read. Raises jsonschema's ValidationError, and AssertionError for entries that share a
    fingerprint, of which GitLab shows the first alone."""
    entries: list[dict[str, object]] = json.loads(text)
    jsonschema.validate(entries, CODE_QUALITY)
    assert len({str(one["fingerprint"]) for one in entries}) == len(entries)
    return entries
