"""What is said of mutants: short, easy to read, and never of another cause."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from reading import GRADE, reading_grade

from grader.command.check_homework import handed_in
from grader.loading import ROOT, load
from grader.sandbox.launch import Zygotes
from grader.selftest import runs, trial
from grader.selftest.table import Judged, Table


@pytest.mark.slow
@pytest.mark.parametrize("task", ["1", "2", "3", "4.1"])
def test_sentences_on_the_mutants_of_quick_are_short_and_easy_to_read(task):
    """But for what is not implemented yet, which its words make long."""
    homework = load(ROOT / "grader" / "homework")
    reference = handed_in(homework, homework.reference)
    plan = trial.Plan(homework, reference, trial.chosen(homework, [task])[0], quick=True)
    found = Table("", plan.items)
    with Zygotes() as zygotes:
        grade = runs.here(homework, zygotes.launch)
        seen = trial.surveyed(plan, grade)
        trial.grade_mutants(plan, grade, trial.patience(homework.rubric.limits, seen.results), seen, found)
    assert found.sentences
    assert not [one.message for one in found.long]
    said = [one.message for one in found.sentences if "not implemented yet" not in one.message]
    assert not [one for one in said if reading_grade(one) > GRADE]
    assert not [one.message for one in found.wrong if one.cause == "wrong"]


def test_a_long_sentence_is_counted_unless_it_is_pythons():
    long = " ".join(["word"] * 31)
    said = ("out is wrong", long, f"f raised ValueError: {long}", "")
    mutants = [Judged(SimpleNamespace(name="f"), bool(one), message=one) for one in said]
    found = Table("", ("1.1",), mutants=[*mutants, Judged(SimpleNamespace(name="f"), True, why="no mistake")])
    assert [one.message for one in found.sentences] == ["out is wrong", long]
    assert [one.message for one in found.long] == [long]
