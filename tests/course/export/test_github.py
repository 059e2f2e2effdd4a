"""Workflow commands that a runner reads back, and that no student can forge."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from grader.course.export import github

COMMAND = re.compile(r"::(error|warning|notice) ([^:\r\n]*)::([^\r\n]*)")


def commands(text):
    """As the runner reads a log: each line that begins with `::` is a command, its values unescaped."""
    found = []
    for line in text.split("\n")[:-1]:
        kind, listed, message = COMMAND.fullmatch(line).groups()
        properties = dict(one.split("=", 1) for one in listed.split(","))
        found.append((kind, {name: plain(value) for name, value in properties.items()}, plain(message)))
    return found


def plain(text):
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_the_costliest_problem_comes_first_at_its_line(rows, rubric):
    found = commands(github.render(rows[1], rubric))
    assert found[0] == (
        "error",
        {"file": "neuralnet/layers.py", "line": "31", "title": "2.1 fc works. (0 of 5)"},
        "out of fc_forward is off by 2.",
    )
    assert found[1][:2] == ("warning", {"title": "1.2 f4 works. (no points)"})


def test_classroom_gets_its_numbers(rows, rubric):
    kind, properties, message = commands(github.render(rows[1], rubric))[-1]
    assert (kind, properties["title"]) == ("notice", "Autograding report")
    assert json.loads(message) == {"totalPoints": 5.87, "maxPoints": 15}


def test_a_fault_of_ours_is_a_warning_without_its_traceback(rows, rubric):
    kinds = {
        properties["title"]: (kind, message) for kind, properties, message in commands(github.render(rows[2], rubric))
    }
    assert kinds["2.3 softmax works. (3.33 of 10)"] == ("warning", "a fault of the grader; needs review")


def many(row, message, where, count=15):
    item = row.report.tasks[1].items[0]
    checks = tuple(replace(item.checks[0], points=float(at), message=message, where=where) for at in range(count))
    task = replace(row.report.tasks[1], items=(replace(item, checks=checks),))
    return replace(row, report=replace(row.report, tasks=(task,)))


def test_no_more_than_are_shown(rows, rubric):
    found = commands(github.render(many(rows[1], "off", ""), rubric))
    assert [kind for kind, *_ in found].count("error") == 10
    assert found[0][1]["title"].endswith("(0 of 14)")


def test_a_student_cannot_write_a_command(rows, rubric):
    hostile = "x\n::error file=a,line=1::forged\r\n::stop-commands::t 100% %0A a:b,c"
    for row in (many(rows[1], hostile, "a.py:3"), many(rows[1], hostile, "a,title=x::forged.py:3")):
        text = github.render(row, rubric)
        assert len(text.splitlines()) == 10 + 1 + 2  # errors, a check without points, and the totals
        assert all("forged" not in properties.get("file", "") for _, properties, _ in commands(text))
        assert "100% %0A a:b,c" in commands(text)[0][2]


def test_an_annotation_points_to_where_the_students_file_lies(rows, rubric):
    """Classroom's repositories need not have the handout's folders."""
    row = replace(rows[1], student=replace(rows[1].student, origin={"layers.py": "src/hw/layers.py"}))
    assert commands(github.render(row, rubric))[0][1]["file"] == "src/hw/layers.py"
