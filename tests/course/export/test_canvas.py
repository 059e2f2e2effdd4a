"""Held to the rules of Canvas's own import, told again here in a few lines."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from grader.course.export import canvas
from grader.errors import UsageError


def imported(text):
    """What Canvas would read: assignment title and id, points possible, grade by student.

    Its rules: the separator is told from the first three lines; the first cell names Student, the second ID, Section
    ends the student's columns; a line whose first cell holds "Points Possible" is not a student.
    """
    assert not text.startswith("\ufeff")
    first = text.split("\n")[:3]
    assert len({len(next(csv.reader([line]))) for line in first}) == 1
    semicolons = {len(next(csv.reader([line], delimiter=";"))) for line in first}
    assert not (len(semicolons) == 1 and semicolons > {6})
    header, *lines = list(csv.reader(io.StringIO(text, newline="")))
    assert "Student" in header[0]
    assert header[1:5] == ["ID", "SIS User ID", "SIS Login ID", "Section"]
    (title,) = header[5:]
    match = re.fullmatch(r"(.*)\s\((\d+)\)", title)
    possible, grades = None, {}
    for line in lines:
        assert len(line) == 6
        if "Points Possible" in line[0]:
            assert possible is None
            possible = float(line[5])
        else:
            grades[int(line[1])] = line[5]
    return (match[1], int(match[2])) if match else (title, None), possible, grades


def graded(row, **changes):
    return replace(row, report=replace(row.report, **changes))


def named(row, name):
    return replace(row, student=replace(row.student, name=name))


def test_canvas_reads_the_grades_back(rows, rubric):
    assignment, possible, grades = imported(canvas.render(rows, rubric, "Homework 1 (4711)"))
    assert assignment == ("Homework 1", 4711)
    assert possible == 15
    assert grades == {17: "8.33", 18: "5.87"}  # two decimals, as Canvas compares them


def test_without_a_grade_a_student_is_left_out_so_that_an_old_grade_stays(rows, rubric):
    text = canvas.render(rows, rubric)
    assert all(f",{id_}," not in text for id_ in (19, 20, 21))


def test_the_first_lines_are_in_canvass_shape(rows, rubric):
    assert canvas.render(rows, rubric).splitlines()[:3] == [
        'Student,ID,SIS User ID,SIS Login ID,Section,"Backprop, by hand"',
        "Points Possible,,,,,15",
        '"Lovelace, Ada",17,S17,ada,L1,8.33',
    ]


def test_a_student_whom_nothing_was_judged_of_is_excused(rows, rubric):
    skipped = rows[0].report.tasks[2:]
    rows[0] = graded(rows[0], tasks=skipped)
    assert imported(canvas.render(rows[:1], rubric))[2] == {17: "EX"}


def test_a_hostile_name_is_neither_a_formula_nor_the_points_possible(rows, rubric):
    rows[0] = named(rows[0], 'Points Possible;";"')
    rows[1] = named(rows[1], "=1+1\nPoints Possible,,,,,0")
    _, possible, grades = imported(canvas.render(rows, rubric))
    assert (possible, grades) == (15, {17: "8.33", 18: "5.87"})
    assert "\n\"'=1+1 Points possible" in canvas.render(rows, rubric)


@pytest.mark.parametrize("title", ["Final Score", "Unposted Current Grade", "Override Status of HW 1"])
def test_a_title_that_canvas_ignores_is_refused(rows, rubric, title):
    with pytest.raises(UsageError, match="Canvas ignores a column named"):
        canvas.render(rows, rubric, title)


def test_ids_are_found_however_their_columns_are_spelled(rows, rubric):
    student = replace(rows[0].student, ids={"id": "17", "sis_login_id": "ada"})
    line = canvas.render([replace(rows[0], student=student)], rubric).splitlines()[2]
    assert line.startswith('"Lovelace, Ada",17,,ada,')


def test_a_name_alone_that_the_list_does_not_clearly_have_gives_nobody_a_grade(rows, rubric):
    """Canvas looks for a student of that name where no id is there, and may find another one."""
    unclear = [replace(rows[0].student, name="Doe, Jane", ids=ids, unlisted=True) for ids in ({}, {"ID": "77"})]
    found = canvas.render([replace(rows[0], student=one) for one in unclear], rubric)
    assert list(imported(found)[2]) == [77]
