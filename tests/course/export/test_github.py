"""Annotations of a student in a class, with the points that count."""

from __future__ import annotations

import json
from dataclasses import replace

from runner import commands

from grader.course.export import github


def test_a_problem_stands_at_the_handouts_line_where_the_students_own_is_not_known(rows, rubric):
    first, second, *_ = commands(github.render(rows[1], rubric))
    assert (first.name, first.message) == ("error", "out of fc_forward is off by 2.")
    assert first.properties == {"file": "neuralnet/layers.py", "line": "31", "title": "2.1 fc works. (0 of 5)"}
    assert (second.name, second.properties) == ("warning", {"title": "1.2 f4 works. (no points)"})


def test_an_annotation_points_to_where_the_students_file_lies(rows, rubric):
    """Classroom's repositories need not have the handout's folders."""
    row = replace(rows[1], student=replace(rows[1].student, origin={"layers.py": "src/hw/layers.py"}))
    assert commands(github.render(row, rubric))[0].properties["file"] == "src/hw/layers.py"


def test_what_counts_is_what_classroom_gets(rows, rubric):
    assert json.loads(commands(github.render(rows[1], rubric))[-1].message) == {"totalPoints": 5.87, "maxPoints": 15}


def test_a_fault_of_ours_is_a_warning_without_its_traceback(rows, rubric):
    found = {one.properties["title"]: one for one in commands(github.render(rows[2], rubric))}
    fault = found["2.3 softmax works. (3.33 of 10)"]
    assert (fault.name, fault.message) == ("warning", "a fault of the grader; needs review")
