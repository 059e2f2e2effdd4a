"""GitLab's code quality report: the fields that it reads, at lines that are in the repository."""

from __future__ import annotations

from dataclasses import replace

from reports import HOSTILE
from schemas import code_quality as read

from grader.report import code_quality

PLACES = {"layers.py": "hw/layers.py", "net.py": "hw/net.py"}


def test_each_problem_in_the_repository_is_an_entry(report):
    found = {one["check_name"]: one for one in read(code_quality.render(report, PLACES))}
    assert found["fc_backward"]["location"] == {"path": "hw/layers.py", "lines": {"begin": 31}}
    assert found["fc_backward"]["severity"] == "major"
    assert found["fc_backward"]["description"].startswith("2.1 fc_backward: grad_w should have shape (5, 3)")
    assert found["fc_backward"]["description"].endswith("(0 of 3 points)")
    assert found["net_predict"]["location"]["path"] == "hw/net.py"
    assert read(code_quality.render(report, {})) == []


def test_a_problem_that_costs_nothing_is_minor(report):
    item = report.tasks[1].items[0]
    free = replace(item.checks[1], points=0.0)
    one = replace(report, tasks=(replace(report.tasks[1], items=(replace(item, checks=(free,)),)),))
    assert [entry["severity"] for entry in read(code_quality.render(one, PLACES))] == ["minor"]


def test_a_fingerprint_is_the_same_in_the_next_run(report):
    """Else GitLab takes each problem for a new one; numbers in a sentence are drawn anew."""

    def fingerprints(message):
        item = report.tasks[1].items[0]
        wrong = replace(item, checks=(item.checks[0], replace(item.checks[1], message=message)))
        one = replace(report, tasks=(replace(report.tasks[1], items=(wrong,)),))
        return [entry["fingerprint"] for entry in read(code_quality.render(one, PLACES))]

    assert fingerprints("off by 2.") == fingerprints("off by 3.")


def test_hostile_text_breaks_no_field(report):
    item = report.tasks[1].items[0]
    wrong = replace(item.checks[1], message=f"{HOSTILE} https://example.org")
    one = replace(report, tasks=(replace(report.tasks[1], items=(replace(item, checks=(wrong,)),)),))
    (entry,) = read(code_quality.render(one, PLACES))
    assert "https[:]//example.org" in entry["description"]
    assert "\u202e" not in entry["description"]
