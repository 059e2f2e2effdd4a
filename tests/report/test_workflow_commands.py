"""Workflow commands that a runner reads back, and that no student can forge."""

from __future__ import annotations

import json
from dataclasses import replace

from runner import commands

from grader.report import workflow_commands

PLACES = {"layers.py": "src/hw/layers.py"}
HOSTILE = "x\n::error file=a,line=1::forged\r\n::stop-commands::t 100% %0A a:b,c ##[error]forged ##[add-mask]a"


def read(report, places=PLACES):
    return [(one.name, one.properties, one.message) for one in commands(workflow_commands.render(report, places))]


def many(report, message, where="", count=15):
    """Item 2.1 with so many wrong checks; each says something of its own where `message` has a place for it."""
    item = report.tasks[1].items[0]
    wrong = replace(item.checks[1], where=where)
    checks = tuple(replace(wrong, points=float(at), message=message.format(at=at)) for at in range(count))
    return replace(report, tasks=(replace(report.tasks[1], items=(replace(item, checks=checks),)),))


def test_the_costliest_problem_comes_first_and_each_stands_at_its_line(report):
    found = read(report)
    assert found[0] == ("error", {"title": "2.3 2 checks (0 of 5)"}, "not implemented yet")
    at = {properties.get("file"): properties for kind, properties, _ in found if kind == "error"}
    assert at["src/hw/layers.py"]["line"] == "31"
    costs = [kind for kind, *_ in found]
    assert costs.index("warning") > max(at for at, kind in enumerate(costs) if kind == "error")


def test_a_file_that_is_not_in_the_repository_is_no_place_but_is_named(report):
    for places in ({}, {"net.py": "net.py"}):
        message = next(text for _, _, text in read(report, places) if "transposed" in text)
        assert message.startswith("layers.py:31: grad_w should have shape")


def test_a_line_that_is_none_is_no_place(report):
    for where in (
        "layers.py:0",
        "layers.py:99999999999999999999",
        "layers.py:٣",
        "../layers.py:3",
        "layers.py:3,col=1",
    ):
        assert all("file" not in properties for _, properties, _ in read(many(report, "off by {at}", where)))


def test_checks_that_end_alike_share_an_annotation(report):
    """An error at import would fill all places with one sentence."""
    found = read(many(report, "off", "layers.py:3"))
    assert [kind for kind, *_ in found].count("error") == 1
    assert found[0] == (
        "error", {"file": "src/hw/layers.py", "line": "3", "title": "2.1 15 checks (0 of 105)"}, "off",
    )  # fmt: skip


def test_no_more_than_are_shown(report):
    found = read(many(report, "off by {at}"))
    assert [kind for kind, *_ in found].count("error") == 10
    assert found[0][1]["title"].endswith("(0 of 14)")
    item = report.tasks[1].items[0]
    no_points = tuple(replace(item.checks[1], points=0.0, message=f"off by {at}") for at in range(15))
    fault = report.tasks[1].items[1].checks[1]
    spoiled = replace(report, tasks=(replace(report.tasks[1], items=(replace(item, checks=(*no_points, fault)),)),))
    assert [kind for kind, *_ in read(spoiled)].count("warning") == 10


def test_classroom_gets_its_numbers(report):
    kind, properties, message = read(report)[-1]
    assert (kind, properties["title"]) == ("notice", "Autograding report")
    assert json.loads(message) == {"totalPoints": 19.33, "maxPoints": 40}


def test_a_student_cannot_write_a_command(report):
    for where in ("layers.py:3", "a,title=x::forged.py:3", HOSTILE):
        text = workflow_commands.render(many(report, f"{{at}} {HOSTILE}", where), PLACES)
        found = commands(text)
        assert len(found) == len(text.splitlines()) == 10 + 1 + 2  # errors, a check without points, and the totals
        assert {one.name for one in found} == {"error", "warning", "notice"}
        assert all("forged" not in one.properties.get("file", "") for one in found)
        assert "100% %0A a:b,c" in found[0].message


def test_a_link_in_a_sentence_is_taken_apart(report):
    text = workflow_commands.render(many(report, "see https://example.org and www.example.org"), {})
    assert "see https[:]//example.org and www[.]example.org" in commands(text)[0].message
    hidden = workflow_commands.render(many(report, "see https:\u200b//example.org"), {})  # what nobody sees goes first
    assert "https[:]//example.org" in commands(hidden)[0].message


def test_a_path_that_looks_like_a_command_is_a_path(report):
    path = "a,line=9::error::x/%0A%3A:[b](c)/layers.py"
    found = read(many(report, "off", "layers.py:3"), {"layers.py": path})
    assert found[0][1]["file"] == path
    assert found[0][1]["line"] == "3"
