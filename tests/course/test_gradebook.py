"""The gradebook: what it is told it keeps, and what a person changes holds for every run after."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from grader.course import decisions
from grader.course.caveats import outdated
from grader.course.decisions import Decision
from grader.course.gradebook import Gradebook, days_late, lateness
from grader.errors import UsageError
from grader.model import (
    CheckResult,
    Figure,
    ItemResult,
    Late,
    Measure,
    Provenance,
    Report,
    Row,
    Student,
    TaskResult,
    Verdict,
)
from grader.report import json as report_json

DUE = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
LATE = Late(per_day=10, grace_hours=1, cap=50)
ADA = Student("ada", "Lovelace, Ada", {"ID": "7", "Section": "=1+1"}, "in/ada.zip", "d1", DUE + timedelta(hours=30))


def check(name: str, earned: float, points: float, verdict: Verdict = Verdict.PASS, **more: object) -> CheckResult:
    return CheckResult(name, f"{name} works.", verdict, earned, points, **more)


def report(fc: float = 5.0, notebook: float = 0.0, **changed: object) -> Report:
    """A report of two items: 2.1, worth 5, and 5.2, worth 10, which only a person can judge."""
    fc_check = check("fc", fc, 5, Verdict.PASS if fc == 5 else Verdict.FAIL)
    asked = check("plot", notebook, 10, Verdict.PARTIAL, review=("Is the plot one of accuracies?",))
    tasks = (
        TaskResult("2", "Layers", (ItemResult("2.1", "FC", fc, 5, (fc_check,)),)),
        TaskResult("5", "Notebook", (ItemResult("5.2", "Plot", notebook, 10, (asked,)),)),
    )
    made_by = Provenance(1, {"numpy": "2"}, "r", "g", "f", "nothing")
    return replace(Report("HW", "Lovelace, Ada", "d1", tasks, ("plot: Is it?",), made_by), **changed)


@pytest.fixture
def book(tmp_path):
    with Gradebook.create(tmp_path / "out") as book:
        book.begin(seed=1, due=DUE, late=LATE)
        yield book


def test_a_report_that_is_recorded_again_replaces_nothing(book):
    for fc, replaced in ((5.0, 0), (5.0, 0), (2.0, 1)):
        book.record(ADA, report(fc), book.run())
        assert len(book.database.rows("SELECT * FROM replaced")) == replaced


def test_a_report_comes_back_as_it_was(book):
    measures = (Measure("error", float("inf"), 1e-9), Measure("accuracy", 0.25, 0.4, True))
    odd = replace(
        check(
            "odd", 1 / 3, 1, Verdict.PARTIAL, message="\ud800 \0 ü", output="a\nb", advice=("Mind.",), where="a.py:1"
        ),
        measures=measures,
        figures=(Figure("curves", "Loss", {"losses": [1.5, None]}),),
        review=("Is it?",),
    )
    whole = report(notes=("a note",))
    whole = replace(whole, tasks=(*whole.tasks, TaskResult("9", "Odd", (ItemResult("9.1", "Odd", 1 / 3, 1, (odd,)),))))
    book.record(ADA, whole)
    assert book.report("ada") == whole


def test_a_report_of_another_schema_is_refused():
    with pytest.raises(ValueError, match="schema 99"):
        report_json.parse(report_json.document(report()) | {"schema": 99})


def test_what_has_not_changed_is_kept_once_however_many_runs_hold_it(book):
    whole = report(notes=("a note",))
    output = replace(whole.tasks[0].items[0].checks[0], output="0123456789" * 10_000)
    first = replace(whole.tasks[0], items=(replace(whole.tasks[0].items[0], checks=(output,)),))
    whole = replace(whole, tasks=(first, *whole.tasks[1:]))
    empty = book.database.rows("PRAGMA page_count")[0][0]
    for _ in range(10):
        document = {"task": report_json.task(first), "notes": []}
        book.record(ADA, whole, book.begin(seed=1), results={"key": ("2", document)})
        assert book.report("ada") == whole
        assert book.result("key") == document
    pages, size = (book.database.rows(f"PRAGMA {what}")[0][0] for what in ("page_count", "page_size"))
    assert (pages - empty) * size < 1.4 * len(output.output)


def test_what_is_recorded_is_there_for_the_next_process(book):
    book.record(ADA, report(), results={"key": ("2", {"task": {"a": 1}})})
    code = (
        "import sys; from pathlib import Path; from grader.course.gradebook import Gradebook\n"
        "with Gradebook.open(Path(sys.argv[1])) as book:\n"
        "    print(book.students(), book.report('ada').score, book.result('key'), book.result('none'))"
    )
    run = subprocess.run([sys.executable, "-c", code, book.folder], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == f"{[ADA]} 5.0 {{'task': {{'a': 1}}}} None"


def test_a_run_knows_its_seed_due_date_policy_and_settings(book):
    run = book.begin(seed=7, due=DUE, late=LATE, settings={"tasks": ["2"]})
    assert (run.id, run.seed, run.due, run.late, run.settings, run.ended) == (2, 7, DUE, LATE, {"tasks": ["2"]}, None)
    book.end(run)
    assert book.run().ended is not None
    assert [each.id for each in book.runs()] == [1, 2]
    with pytest.raises(UsageError, match="no run 9; the runs are 1, 2"):
        book.run(9)


def test_a_task_that_was_typed_twice_is_told_once(book):
    assert book.begin(seed=7, settings={"only": ["1", "1", "2.1"]}).part == "1, 2.1"


def test_a_student_without_a_report_is_in_the_class(book):
    book.record(Student("bob", "Bob", problem="bob.zip is damaged; pack it again"), None)
    book.record(ADA, report())
    assert [student.id for student in book.students()] == ["ada", "bob"]
    assert book.graded() == {"ada"}
    assert book.report("bob") is None
    assert book.row("bob") == Row(Student("bob", "Bob", problem="bob.zip is damaged; pack it again"), due=DUE)


def test_an_unknown_student_is_told_who_is_alike(book):
    book.record(ADA, report())
    with pytest.raises(UsageError, match="no student lovelace; did you mean ada"):
        book.student("lovelace")


@pytest.mark.parametrize(
    ("hours", "days"), [(-5, 0), (0, 0), (1, 0), (1.01, 1), (24, 1), (24.01, 2), (48, 2), (240, 10)]
)
def test_days_begun_count_once_the_grace_is_over(hours, days):
    assert days_late(DUE + timedelta(hours=hours), DUE, LATE) == days


def test_lateness_costs_percent_a_day_up_to_the_cap():
    assert [lateness(days, LATE) for days in (0, 1, 5, 6)] == [0, 10, 50, 50]
    assert lateness(None, LATE) == lateness(3, None) == 0


def test_the_final_score_is_adjusted_first_and_then_late(book):
    book.record(ADA, report(fc=5))
    book.adjust("ada", "5.2", 8, why="a fine plot", author="Grace")
    (row,) = book.register()
    counts = row.report
    assert (counts.score, counts.adjusted, counts.remarks.late_days, counts.remarks.penalty) == (5, 13, 2, 20)
    assert counts.final == 10.4
    book.adjust("ada", "late", 0, why="ill", author="Grace")
    assert book.row("ada").report.final == 13


def test_a_platform_that_says_late_and_not_when_leaves_the_days_to_a_person(book):
    book.record(replace(ADA, submitted_at=None, marked_late=True), report())
    assert book.late_days("ada") is None
    assert book.row("ada").report.final == 5
    book.adjust("ada", "late", 3, why="asked the platform", author="Grace")
    assert book.late_days("ada") == 3


def test_adjustments_survive_a_regrade_and_none_is_forgotten(book):
    book.record(ADA, report(fc=2))
    book.adjust("ada", "2.1", 4, why="half right", author="Grace")
    book.adjust("ada", "2.1", 3, why="on second thoughts", author="Alan")
    book.begin(seed=1)
    book.record(ADA, report(fc=5))
    assert book.report("ada").score == 5
    assert book.row("ada").report.adjusted == 3
    kept = book.adjustments("ada")
    assert [(one.item, one.points, one.author, one.why) for one in kept] == [
        ("2.1", 4, "Grace", "half right"), ("2.1", 3, "Alan", "on second thoughts"),
    ]  # fmt: skip
    assert all(one.time.tzinfo is not None for one in kept)
    assert book.adjustments() == kept
    assert book.adjustments("bob") == []


def test_an_adjustment_that_is_taken_back_is_kept_and_does_not_count(book):
    book.record(ADA, report(fc=2))
    book.adjust("ada", "2.1", 4, why="half right", author="Grace")
    book.adjust("ada", "late", 0, why="ill", author="Grace")
    book.begin(seed=1, due=DUE, late=LATE)
    book.record(ADA, report(fc=5))
    book.adjust("ada", "2.1", None, why="the check was wrong", author="Alan")
    book.adjust("ada", "late", None, why="not ill", author="Alan")
    counts = book.row("ada").report
    assert (counts.adjusted, counts.remarks.late_days, counts.adjustments) == (5, 2, {})
    assert [(one.item, one.points) for one in book.adjustments("ada")] == [
        ("2.1", 4), ("late", 0), ("2.1", None), ("late", None),
    ]  # fmt: skip
    assert [(item.id, check.name) for _, item, check in book.waiting()] == [("5.2", "plot")]
    assert book.detached(book.begin(seed=1)) == []
    book.record(ADA, report())
    with pytest.raises(UsageError, match=r"ada has no adjustment of 2\.1, so there is nothing to take back"):
        book.adjust("ada", "2.1", None, why="twice", author="Alan")
    book.adjust("ada", "2.1", 1, why="copied", author="Grace")
    assert book.row("ada").report.adjusted == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"item": "7.7"}, "no item 7.7; the items are 2.1, 5.2, and late"),
        ({"points": 11}, "give 0 to 10"),
        ({"points": -1}, "give 0 to 10"),
        ({"points": float("nan")}, "give 0 to 10"),
        ({"item": "late", "points": 1.5}, "days late is not possible; give a whole number"),
        ({"item": "late", "points": float("nan")}, "days late is not possible; give a whole number"),
        ({"why": " "}, "needs a reason"),
        ({"author": ""}, "an author"),
        ({"student": "eve"}, "no student eve"),
    ],
)
def test_an_adjustment_that_makes_no_sense_is_refused(book, change, says):
    book.record(ADA, report())
    with pytest.raises(UsageError, match=says):
        book.adjust(**{"student": "ada", "item": "5.2", "points": 1.0, "why": "so", "author": "Grace"} | change)
    assert book.adjustments() == []


@pytest.mark.parametrize(
    ("student", "says"),
    [
        (
            Student("bob", "Bob", path="b.zip", problem="b.zip is damaged"),
            "b.zip is damaged; add work that can be read",
        ),
        (
            Student("bob", "Bob"),
            "nothing was handed in; add work that can be read, and run the batch again",
        ),
        (Student("bob", "Bob", path="b.zip"), "stopped before it was graded; continue with --resume$"),
    ],
)
def test_where_there_are_no_points_to_adjust_it_says_why_and_what_to_do(book, student, says):
    book.enter(book.run(), [student])
    with pytest.raises(UsageError, match=f"^bob has no points to adjust: .*{says}"):
        book.adjust("bob", "2.1", 4, why="looked at by hand", author="Grace")


def test_what_needs_a_person_waits_until_someone_adjusts_it(book):
    book.record(ADA, report())
    faulty = report(fc=0)
    broken = replace(faulty.tasks[0].items[0].checks[0], verdict=Verdict.INTERNAL)
    first = replace(faulty.tasks[0], items=(replace(faulty.tasks[0].items[0], checks=(broken,)),))
    book.record(Student("bob", "Bob"), replace(faulty, tasks=(first, *faulty.tasks[1:])))
    assert [(who.id, item.id, what.name) for who, item, what in book.waiting()] == [
        ("ada", "5.2", "plot"), ("bob", "2.1", "fc"), ("bob", "5.2", "plot"),
    ]  # fmt: skip
    book.adjust("ada", "5.2", 10, why="yes", author="Grace")
    assert [(who.id, item.id) for who, item, _ in book.waiting()] == [("bob", "2.1"), ("bob", "5.2")]


def test_diff_tells_whose_points_changed_by_what_and_why(book):
    old = book.run()
    book.record(ADA, report(fc=2))
    book.record(Student("bob", "Bob"), report(fc=5))
    new = book.begin(seed=1, due=DUE, late=LATE)
    made_by = replace(report().provenance, rubric_digest="r2")
    book.record(ADA, report(fc=5, provenance=made_by))
    book.record(Student("bob", "Bob"), report(fc=5, provenance=made_by))
    (change,) = book.diff(old, new)
    assert (change.student, change.item, change.before, change.after) == ("ada", "2.1", 2, 5)
    assert change.why == "fc: FAIL 2/5 to PASS 5/5; the rubric changed"
    gone = book.begin(seed=1, due=DUE, late=LATE)
    book.record(ADA, report(fc=5, tasks=report().tasks[:1]))
    assert [(one.student, one.item, one.after, one.why) for one in book.diff(new, gone)] == [
        ("ada", "5.2", None, "no longer graded"),
        ("bob", "2.1", None, "no longer graded"),
        ("bob", "5.2", None, "no longer graded"),
    ]


@pytest.mark.parametrize(
    ("due", "late", "handed_in", "days", "why"),
    [
        (None, LATE, ADA.submitted_at, 0, "costs 0 % instead of 20 %; the due date changed"),
        (DUE + timedelta(hours=20), LATE, ADA.submitted_at, 1, "costs 10 % instead of 20 %; the due date changed"),
        (DUE, replace(LATE, per_day=5), ADA.submitted_at, 2, "costs 10 % instead of 20 %"),
        (DUE, LATE, DUE, 0, "costs 0 % instead of 20 %; the submission time changed"),
    ],
)
def test_diff_tells_whose_lateness_changed_and_what_it_costs(book, due, late, handed_in, days, why):
    old = book.run()
    book.record(ADA, report())
    new = book.begin(seed=1, due=due, late=late)
    book.record(replace(ADA, submitted_at=handed_in), report())
    (change,) = book.diff(old, new)
    assert (change.student, change.item, change.before, change.after, change.why) == ("ada", "late", 2, days, why)


def test_a_record_that_cannot_be_finished_leaves_nothing_of_itself(book):
    book.record(ADA, report())
    with pytest.raises(TypeError):
        book.record(Student("bob", "Bob"), None, results={"key": ("2", {"task": {"a": object()}})})
    assert [student.id for student in book.students()] == ["ada"]


NEW_YORK = replace(LATE, timezone="America/New_York")


@pytest.mark.parametrize(
    ("due", "handed_in", "days"),
    [
        ("2026-10-31T20:00-04:00", "2026-11-01T19:45-05:00", 1),  # 24:45 hours, and one day
        ("2026-10-31T20:00-04:00", "2026-11-01T20:15-05:00", 2),
        ("2026-10-31T20:00-04:00", "2026-10-25T19:45-04:00", 0),
        ("2026-03-07T20:00-05:00", "2026-03-08T19:45-04:00", 1),
        ("2026-03-07T20:00-05:00", "2026-03-08T20:30-04:00", 2),  # 23:30 hours, and a day begun
        ("2026-11-01T01:30-04:00", "2026-11-01T01:10-05:00", 0),  # within the grace, and earlier by the clock
        ("2026-11-01T01:30-04:00", "2026-11-01T01:45-05:00", 1),  # over the grace, and quarter of an hour by the clock
    ],
)
def test_a_day_ends_at_the_same_time_by_the_courses_clock(due, handed_in, days):
    moments = (datetime.fromisoformat(text) for text in (handed_in, due))
    assert days_late(*moments, NEW_YORK) == days


def test_a_students_own_due_date_counts_before_the_runs(book):
    book.record(replace(ADA, due=DUE + timedelta(days=1)), report())
    book.record(Student("bob", "Bob", due=DUE + timedelta(days=1)), None)
    assert book.late_days("ada") == 1
    assert book.row("ada").due == book.row("bob").due == DUE + timedelta(days=1)
    assert book.student("ada").due == DUE + timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Student("jane", "Smith, Jane", {"ID": "101"}), Student("smithjane-101", "Smith, Jane", {"ID": "101"}, "in/x")),
        (
            Student("smithjane-101", "Smith, Jane", {"ID": "101"}, "in/x"),
            Student("doejane-101", "Doe", {"ID": "101"}, "in/y"),
        ),
        (Student("jane", "Jane", {"email": "J@x.org"}), Student("jane@x.org", "Jane", {"Email": "j@x.org"}, "in/x")),
    ],
)
def test_adjustments_follow_the_platforms_id_to_another_of_ours(book, before, after):
    book.record(before, report() if before.path else None)
    book.adjust(before.id, "late", 3, why="told by mail", author="Grace")
    book.begin(seed=1, due=DUE, late=LATE)
    book.record(after, report())
    assert book.late_days(after.id) == 3
    assert book.detached(book.run()) == []
    assert book.student(before.id).id == after.id
    book.adjust(after.id, "late", None, why="not late", author="Alan")
    assert book.late_days(after.id) == 0
    assert book.late_days(before.id, book.run(1)) == 0


def test_diff_knows_a_student_under_another_id(book):
    old = book.run()
    book.record(Student("smithjane-101", "Smith, Jane", {"ID": "101"}, "in/x"), report(fc=2))
    new = book.begin(seed=1, due=DUE, late=LATE)
    book.record(Student("doejane-101", "Doe, Jane", {"ID": "101"}, "in/y"), report(fc=5))
    (change,) = book.diff(old, new)
    assert (change.student, change.item, change.before, change.after) == ("doejane-101", "2.1", 2, 5)


def test_two_students_of_one_run_share_no_adjustment(book):
    for id_ in ("a", "b"):
        book.record(Student(id_, id_, {"Email": "x@y"}, "in"), report())
    book.adjust("a", "late", 3, why="x", author="Grace")
    assert (book.late_days("a"), book.late_days("b")) == (3, 0)


def test_a_gradebook_takes_any_text(book):
    lone, shown = "ren\udce9e \ud800", "ren\\udce9e \\ud800"
    student = Student("ada", lone, {"name": lone}, path=lone, problem=lone, others=(lone,), origin={"a.py": lone})
    book.record(student, replace(report(notes=(lone,)), submission=lone))
    (found,) = (one for one in book.students() if one.id == "ada")
    assert (found.name, found.problem, found.path) == (shown, shown, shown)
    assert book.student(shown).id == "ada"
    assert book.report("ada").submission == lone  # JSON has a way to write one


@pytest.mark.parametrize("on_page", [True, False])
@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("changed", [True, False])
def test_an_adjustment_between_an_interrupted_run_and_its_end_is_told_if_the_rest_of_it_has_other_points(
    book, on_page, ended, changed
):
    """The review page shows the last run that ended; a command what the interrupted run has got."""
    first = book.run()
    book.record(ADA, report(), first)
    if ended:
        book.end(first)
    second = book.begin(seed=7)
    seen, other = (report(), report(fc=2.0)) if changed else (report(), report())
    book.record(ADA, other if on_page and ended else seen, second)
    if on_page:
        decisions.decide(book, [Decision("ada", "2.1", 1.0, 0)], author="Ada", most={"2.1": 5.0})
    else:
        book.adjust("ada", "2.1", 1.0, why="x", author="Ada")
    book.record(ADA, other, second)
    book.end(second)
    assert list(outdated(book, second, book.register())) == (["ada 2.1"] if changed else [])
    book.adjust("ada", "2.1", 1.0, why="x", author="Ada")
    assert list(outdated(book, second, book.register())) == []
