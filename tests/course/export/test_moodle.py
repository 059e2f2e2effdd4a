"""Held to what Moodle's import does with a worksheet, told again here in a few lines."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from grader.course.class_list import with_roster
from grader.course.export import moodle
from grader.course.layouts import moodle as layout
from grader.course.roster import read_roster
from grader.errors import UsageError

SHEET = """\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum Grade","Grade can be changed",\
"Last modified (submission)","Last modified (grade)","Feedback comments"
"Participant 9","Ada Lovelace",ada@x.org,"Submitted for grading",,20.00,Yes,\
"Friday, 20 November 2026, 12:00 PM",-,
"Participant 10","Jane Döe",doe@x.org,"Submitted for grading",3.00,20.00,Yes,\
"Sunday, 22 November 2026, 1:00 AM","Sunday, 22 November 2026, 9:00 AM","Come and see me"
"Participant 12","Nobody",,"No submission",,20.00,Yes,-,-,"Where is it?"
"""


def imported(text):
    """Participant number -> (grade or None, feedback), as Moodle takes them."""
    header, *lines = list(csv.reader(io.StringIO(text, newline="")))
    at = {title: header.index(title) for title in ("Identifier", "Grade", "Last modified (grade)", "Feedback comments")}
    assert at["Feedback comments"] > 0
    found = {}
    for line in lines:
        number = int(line[at["Identifier"]][len("Participant ") :])
        grade = line[at["Grade"]]
        found[number] = (float(grade) if grade else None, line[at["Feedback comments"]])
    return found


@pytest.fixture
def filled(rows, tmp_path):
    """The rows with what Moodle's own worksheet, given as the roster, says of them."""
    for row in rows:
        (tmp_path / f"{row.student.id}_{row.student.ids['Identifier'].split()[1]}_assignsubmission_file_").mkdir()
    (tmp_path / "sheet.csv").write_text(SHEET, encoding="utf-8")
    sheet = read_roster(tmp_path / "sheet.csv")
    ids = {one.ids["Identifier"]: one.ids for one in with_roster(layout.students(tmp_path), sheet, by_any_cell=False)}
    return [with_ids(row, ids[row.student.ids["Identifier"]]) for row in rows]


def with_ids(row, ids):
    return replace(row, student=replace(row.student, ids=ids))


def test_moodles_own_sheet_comes_back_with_grades(filled, rubric):
    found = imported(moodle.render(filled, rubric))
    assert {number: grade for number, (grade, _) in found.items()} == {9: 8.33, 10: 5.87, 11: None, 12: None, 13: None}
    sheet = list(csv.DictReader(io.StringIO(moodle.render(filled, rubric), newline="")))
    for before in csv.DictReader(io.StringIO(SHEET.removeprefix("\ufeff"), newline="")):
        after = next(row for row in sheet if row["Identifier"] == before["Identifier"])
        same = [name for name in before if name not in ("Grade", "Feedback comments", "Full name")]
        assert list(after) == list(before)
        assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_feedback_tells_the_points_and_replaces_no_persons_words(filled, rubric):
    found = imported(moodle.render(filled, rubric))
    assert found[9][1] == "Backgrade: 8.33 of 15 graded; 15 not graded here<br>2.3 Softmax: 3.33 of 10: " \
        "KeyError: secret"  # fmt: skip
    assert found[10][1] == "Come and see me"
    assert found[12][1] == "Where is it?"
    again = [with_ids(row, row.student.ids | {"Feedback comments": found[9][1]}) for row in filled[:1]]
    again[0] = replace(again[0], report=filled[1].report)
    told = imported(moodle.render(again, rubric))[9][1]
    assert "3.33 as graded; 7.33 after adjustments; 2 days late" in told
    assert "2.1 FC: 4 of 5: a &quot;nearly&quot; right idea" in told


def test_a_grade_that_moodle_would_drop_in_silence_is_told(filled, rubric):
    filled[0] = with_ids(filled[0], filled[0].student.ids | {"Maximum Grade": "8,00"})
    with pytest.raises(UsageError, match=r"ada has 8.33 points, but Moodle skips grades above its maximum of 8\.00"):
        moodle.render(filled, rubric)


@pytest.mark.parametrize(
    ("given", "told"), [("", []), ("-", []), ("5,87", []), ("5.870", []), ("7", ["doe"]), ("Good", ["doe"])]
)
def test_another_grade_in_the_worksheet_is_told(filled, given, told):
    filled[1] = with_ids(filled[1], filled[1].student.ids | {"Grade": given})
    assert moodle.replaced(filled) == told


def test_without_identifiers_moodle_would_import_nothing(rows, rubric):
    with pytest.raises(UsageError, match="the class list is not a grading worksheet that Moodle can import; download"):
        moodle.render([with_ids(row, {}) for row in rows], rubric)


def test_a_worksheet_in_another_language_is_not_taken_for_one(rows, rubric):
    """Submissions have an identifier themselves; what only the sheet knows is not there under its English name."""
    german = {"ID": "Teilnehmer/in9", "Bewertung": "", "Zuletzt geändert (Bewertung)": "-"}
    rows = [with_ids(row, {"Identifier": row.student.ids["Identifier"], **german}) for row in rows]
    with pytest.raises(UsageError, match="download Moodle's grading worksheet in English"):
        moodle.render(rows, rubric)


def test_groups_are_kept(rows, rubric):
    rows[0] = with_ids(rows[0], rows[0].student.ids | {"Group": "=A", "Last modified (grade)": "-"})
    header, ada, *_ = csv.reader(io.StringIO(moodle.render(rows, rubric), newline=""))
    assert (header[4], ada[4]) == ("Group", "'=A")


def test_work_of_an_unclear_owner_gives_nobody_a_grade(rows, rubric):
    """A group's folder has a number, too: here that of Jane, who is in another group."""
    sheet = {"Last modified (grade)": "-"}
    rows[:2] = [with_ids(row, row.student.ids | sheet) for row in rows[:2]]
    group = replace(rows[0].student, id="team", name="Team A", ids={"Identifier": "Participant 10"}, unlisted=True)
    rows[1] = replace(rows[1], report=None)
    found = moodle.render([*rows, replace(rows[0], student=group)], rubric)
    assert found.count("Participant 10") == 1
    assert imported(found)[10] == (None, "")
