"""A check that sees nothing fails the self-test, whichever it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tiny

from grader.command.check_homework import handed_in
from grader.loading import ROOT, load
from grader.model import Homework
from grader.sandbox.launch import Zygotes
from grader.selftest import runs, trial

pytestmark = pytest.mark.medium

HOMEWORK = load(ROOT / "grader" / "homework")
REFERENCE = handed_in(HOMEWORK, HOMEWORK.reference)
ITEMS, OTHERS = trial.chosen(HOMEWORK, ())
CHECKS = [
    line.name for task in HOMEWORK.rubric.tasks for item in task.items for line in item.checks if item.id in ITEMS
]


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


def gutted(name: str) -> Homework:
    """The homework with a check whose body is `pass`."""
    checks = {**HOMEWORK.checks, name: replace(HOMEWORK.checks[name], function=lambda hw, rng: None)}
    return replace(HOMEWORK, checks=checks)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_whose_body_is_pass_rejects_no_wrong_answer(name, launch):
    homework = gutted(name)
    plan = trial.Plan(homework, REFERENCE, (HOMEWORK.checks[name].item,), quick=True)
    found = trial.tested(plan, runs.here(homework, launch))
    assert found.uncontrolled == [name]
    assert not found.sound
    assert found.mutants == []  # the run does not count


def test_items_that_train_are_left_out_unless_they_are_named():
    assert ITEMS == ("1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "3.1", "4.1")
    assert OTHERS == ("4.2", "4.3", "5.1", "5.2", "5.3", "6.1")
    assert trial.chosen(HOMEWORK, ["4"])[0] == ("4.1",)
    assert trial.chosen(HOMEWORK, ["4.2"])[0] == ("4.2",)


def test_an_item_that_no_check_grades_is_not_said_to_read_data(tmp_path):
    assert trial.chosen(tiny.homework(tmp_path, tiny.right, skipped=True), ()) == (("1.1",), ())
