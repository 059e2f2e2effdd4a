"""A class in numbers: what it earned, what most got wrong, and for what reason."""

from __future__ import annotations

import statistics
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from grader.course import statistics as course_statistics
from grader.course.statistics import BINS, causes, histogram, spread, survey
from grader.model import (
    Adjustment,
    CheckResult,
    ItemResult,
    Provenance,
    Remarks,
    Report,
    Row,
    Student,
    TaskResult,
    Verdict,
)


def check(name, verdict, points, earned=0.0, message="", seconds=0.5):
    return CheckResult(name, f"{name} works.", verdict, earned, points, message=message, seconds=seconds)


def row(student, *results, remarks=None):
    """`results` are (item, check); each item is worth its checks' points, tasks go by the item's first letter."""
    items: dict[str, list[CheckResult]] = {}
    for item, one in results:
        items.setdefault(item, []).append(one)
    made = [
        ItemResult(id_, id_, sum(one.earned for one in ones), sum(one.points for one in ones), tuple(ones))
        for id_, ones in items.items()
    ]
    ids = dict.fromkeys(item.id[0] for item in made)
    tasks = tuple(TaskResult(id_, f"Task {id_}", tuple(item for item in made if item.id[0] == id_)) for id_ in ids)
    report = Report("HW", student, "d", tasks, (), Provenance(1, {}, "r", "g", "f", "held"))
    return Row(Student(student, student.title()), replace(report, remarks=remarks or Remarks()))


PASSED = ("2.1", check("fc", Verdict.PASS, 4, 4))


def test_shares_count_those_of_whom_something_was_judged():
    rows = [
        row("a", PASSED, ("2.2", check("relu", Verdict.PARTIAL, 6, 3, "half"))),
        row("b", ("2.1", check("fc", Verdict.FAIL, 4)), ("2.2", check("relu", Verdict.INTERNAL, 6, 0, "KeyError"))),
        row("c", ("2.1", check("fc", Verdict.SKIPPED, 4)), ("2.2", check("relu", Verdict.PASS, 6, 6))),
        Row(Student("d", "D")),
    ]
    found = survey(rows, "HW")
    (task,) = found.tasks
    fc, relu = task.checks
    assert (fc.judged, fc.passed, fc.failed, fc.share) == (2, 1, 1, 0.5)
    assert (relu.judged, relu.passed, relu.failed, relu.share) == (2, 1, 1, 0.75)  # a fault of ours is no failure
    assert task.share == pytest.approx((4 + 3 + 0 + 0 + 6) / (4 + 6 + 4 + 6 + 6))
    assert [one.name for one in found.failures] == ["fc", "relu"]
    assert found.earned.possible == 10
    assert sum(found.earned.bins) == 3


def test_points_are_those_that_count():
    by_hand = Remarks((Adjustment("a", "2.1", 1, "Grace", datetime(2026, 1, 1, tzinfo=UTC), "copied"),), 1, 50)
    found = survey([row("a", PASSED, remarks=by_hand)], "HW")
    assert found.earned.spread.mean == 0.5
    assert found.tasks[0].share == 0.25
    assert found.tasks[0].checks[0].share == 1  # what the check itself found stays


def test_the_points_of_each_task_are_of_whom_it_was_judged_and_before_lateness():
    late = Remarks((), 5, 50)
    rows = [
        row("a", PASSED, ("2.2", check("relu", Verdict.PASS, 6, 6)), remarks=late),
        row("b", ("2.1", check("fc", Verdict.FAIL, 4)), ("2.2", check("relu", Verdict.SKIPPED, 6))),
        row("c", ("2.1", check("fc", Verdict.SKIPPED, 4))),
        row("d", ("3.1", check("net", Verdict.SKIPPED, 10))),
    ]
    two, three = survey(rows, "HW").tasks
    assert (two.earned.possible, two.earned.spread.most, two.earned.spread.least) == (10, 10, 0)
    assert (two.earned.bins[0], two.earned.bins[-1], sum(two.earned.bins)) == (1, 1, 2)
    assert (three.earned.possible, three.earned.spread, sum(three.earned.bins)) == (0, None, 0)


def test_a_check_without_points_is_told_by_who_passed():
    rows = [row("a", ("1.2", check("f4", Verdict.PASS, 0))), row("b", ("1.2", check("f4", Verdict.FAIL, 0)))]
    assert survey(rows, "HW").tasks[0].checks[0].share == 0.5


def test_tasks_that_only_some_have_are_there_once_and_in_order():
    rows = [row("a", PASSED), row("b", PASSED, ("3.1", check("net", Verdict.FAIL, 10)))]
    found = survey(rows, "HW")
    assert [(task.id, task.checks[0].judged) for task in found.tasks] == [("2", 2), ("3", 1)]
    assert found.earned.possible == 14


def test_an_empty_class_has_numbers_too():
    found = survey([Row(Student("nil", "Nil"))], "HW")
    assert (found.earned.possible, found.earned.spread, found.seconds, found.tasks, found.failures) == (
        0,
        None,
        None,
        (),
        [],
    )
    assert sum(found.earned.bins) == 0


def test_the_histogram_has_each_value_once_at_its_place():
    bins = histogram([0, 4.99, 5, 99.9, 100, 120, -3], 100)
    assert len(bins) == BINS
    assert (bins[0], bins[1], bins[-1], sum(bins)) == (3, 1, 3, 7)
    assert histogram([0, 0], 0)[0] == 2


def test_spread_is_the_samples_own():
    values = [1.0, 2.0, 4.0, 10.0]
    found = spread(values)
    assert (found.least, found.most, found.mean, found.total) == (1, 10, 4.25, 17)
    assert (found.lower, found.median, found.upper) == tuple(statistics.quantiles(values, method="inclusive"))
    assert (spread([3.0]).lower, spread([3.0]).upper) == (3, 3)


def test_sentences_that_differ_in_numbers_alone_are_one_cause():
    sentences = [
        "grad_w is off by 0.25 at (0, 1): 64 times too large.",
        "grad_w is off by 3.1e-07 at (2, 0): 64 times too large.",
        "grad_w is off by -inf at (2, 0): 32 times too large.",
        "grad_b1 is off by 0.25.",
        "grad_b2 is off by 0.5.",
        "grad_b1 is off by 0.25.",
        "grad_b1 is off by 7.",
    ]  # fmt: skip
    found = list(causes((sentence, f"s{at}") for at, sentence in enumerate(sentences)))
    assert [(one.count, one.sentence) for one in found] == [
        (3, "grad_w is off by 0.25 at (0, 1): 64 times too large."),
        (3, "grad_b1 is off by 0.25."),  # the commonest of its forms; grad_b2 is another quantity
        (1, "grad_b2 is off by 0.5."),
    ]
    assert [one.students for one in found] == [("s0", "s1", "s2"), ("s3", "s5", "s6"), ("s4",)]


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("off by 1.5e-9, not 1e-09.", "off by #, not #."),
        ("(4, 5, 3) and -2", "(#, #, #) and #"),
        ("layers.py:31 W1 b_2 float64 x10", "layers.py:# W1 b_2 float64 x10"),
        ("nan at 3. Nan-like information", "# at #. #-like information"),
        ("version 1.2.3", "version 1.2.3"),
    ],
)
def test_numbers_go_and_names_stay(text, alike):
    assert course_statistics.NUMBER.sub("#", text) == alike


def test_what_was_not_done_is_not_wrong():
    stub = check("fc", Verdict.NOT_IMPLEMENTED, 4, message="not implemented yet")
    rows = [
        row("a", ("2.1", stub)),
        row("b", ("2.1", stub)),
        row("c", ("2.1", check("fc", Verdict.FAIL, 4, message="off"))),
    ]
    (fc,) = survey(rows, "HW").tasks[0].checks
    assert (fc.judged, fc.passed, fc.failed, fc.not_done, fc.share) == (3, 0, 1, 2, 0)
    assert [cause.sentence for cause in fc.causes] == ["off"]
    assert survey(rows[:2], "HW").failures == []


def test_a_failure_without_a_sentence_is_told_by_its_verdict():
    found = survey([row("a", ("2.1", check("fc", Verdict.TIMEOUT, 4)))], "HW")
    assert found.failures[0].causes[0].sentence == "TIMEOUT"


def test_memory_is_the_most_of_any_check():
    small, large = (replace(check("fc", Verdict.PASS, 1, 1), memory=size) for size in (30, 70))
    found = survey([row("a", ("2.1", small), ("2.2", replace(large, name="relu"))), row("b", ("2.1", small))], "HW")
    assert (found.memory.least, found.memory.most) == (30, 70)
    assert survey([Row(Student("nil", "Nil"))], "HW").memory is None


def test_time_is_that_of_all_checks():
    rows = [row("a", PASSED, ("2.2", check("relu", Verdict.PASS, 1, 1, seconds=2.0))), row("b", PASSED)]
    found = survey(rows, "HW")
    assert (found.seconds.most, found.seconds.total) == (2.5, 3.0)
    assert found.tasks[0].checks[1].seconds.most == 2.0
