"""Which checks share a sentence, and which of the sentences come first."""

from __future__ import annotations

from dataclasses import replace

from grader.model import Verdict
from grader.report.problems import advice, costliest, not_graded, problems
from grader.report.wording import place_of


def with_checks(report, *checks):
    item = replace(report.tasks[1].items[0], checks=checks)
    return replace(report, tasks=(replace(report.tasks[1], items=(item,)),))


def test_checks_that_end_alike_at_one_place_share_a_sentence(report):
    one = replace(report.tasks[1].items[0].checks[1], verdict=Verdict.RAISED, message="no", where="layers.py:3")
    two, other = replace(one, name="two"), replace(one, name="other", where="layers.py:4")
    found = problems(with_checks(report, one, other, two))
    assert [problem.sentence for problem in found] == ["2 checks (layers.py:3): no", "other (layers.py:4): no"]
    assert (found[0].items, found[0].earned, found[0].points) == ("2.1", 0, 6)
    assert found[0].output.startswith("shape is (3, 5)")


def test_items_of_which_nothing_is_there_share_one(report):
    stub = report.tasks[1].items[2]
    two = replace(report, tasks=(replace(report.tasks[1], items=(stub, replace(stub, id="2.4"))),))
    assert [(one.items, one.sentence) for one in problems(two)] == [("2.3, 2.4", "not implemented yet")]


def test_items_of_a_missing_file_name_it_and_are_not_called_unfinished(report):
    stub = report.tasks[1].items[2]
    gone = [replace(check, message="layers.py is not in this submission") for check in stub.checks]
    told = replace(report, tasks=(replace(report.tasks[1], items=(replace(stub, checks=tuple(gone)),)),))
    for found in (problems(told), costliest(told)):
        assert [one.said for one in found] == ["layers.py is not in this submission"]


def test_the_costliest_comes_first_and_what_waits_is_among_them(report):
    found = costliest(report)
    lost = [problem.points - problem.earned for problem in found]
    assert lost == sorted(lost, reverse=True)
    fault = next(problem for problem in found if problem.verdict is Verdict.INTERNAL)
    assert not fault.costs
    question = replace(
        report.tasks[1].items[0].checks[1], verdict=Verdict.SKIPPED, message="which file?", review=("which file?",)
    )
    assert [one.said for one in costliest(with_checks(report, question))] == ["which file?"]
    assert problems(with_checks(report, question)) == []


def test_an_unfinished_line_of_the_students_own_keeps_its_place_where_few_are_shown(report):
    """`raise NotImplementedError` has one."""
    stub = replace(report.tasks[1].items[2].checks[0], where="layers.py:40")
    assert [one.where for one in costliest(with_checks(report, stub))] == ["layers.py:40"]
    assert [one.where for one in problems(with_checks(report, stub))] == [""]


def test_advice_and_what_is_not_graded_are_apart(report):
    assert [(one.items, one.said) for one in advice(report)][-1] == ("3.1", "Prefer log-sum-exp: it stays finite.")
    assert [(one.items, one.said) for one in not_graded(report)] == [
        ("5.1, 5.2", "this version does not grade notebooks yet")
    ]


def test_a_place_is_a_line_of_a_file_that_is_known():
    places = {"layers.py": "hw/layers.py"}
    assert place_of("layers.py:31", places) == ("hw/layers.py", 31)
    for where in ("", "layers.py", "layers.py:0", "other.py:3", "layers.py:3:4", "layers.py:12345678", "x/layers.py:3"):
        assert place_of(where, places) is None
