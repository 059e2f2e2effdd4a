"""Scoring: fixed denominators, points on positive evidence only, our faults never a student's."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tiny import SUBMISSION, broken, drawing, half, homework, right, verdicts, wrong

from grader.data.datasets import DataSet
from grader.errors import UsageError
from grader.grading import grade, why
from grader.model import (
    Check,
    CheckPlan,
    DataPlan,
    Download,
    Homework,
    Item,
    Verdict,
)


def asking(hw: Any, rng: Any) -> None:
    """It asks, and keeps the answer."""
    hw.once("f", lambda: hw.functions.f(2))


def asking_later(hw: Any, rng: Any) -> None:
    """It uses that answer."""
    hw.once("f", lambda: None)


def looking(hw: Any, rng: Any) -> None:
    """It reads a file that is not there, and goes through the others."""
    hw.session.submission.files.get("notes.txt")
    list(hw.session.submission.files)


def test_a_result_names_the_files_that_it_depends_on(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, asking, half, asking_later, looking), seed=1)
    assert [check.files for check in report.checks] == [("functions.py",), (), ("functions.py",), ("*", "notes.txt")]


def test_a_line_of_a_file_that_was_made_of_a_notebook_is_told_in_the_notebook(tmp_path):
    made = b"# code cell 1\n# code cell 4\ndef f(x):\n    return 2 * x\n"
    told = ("functions.py:3 is line 1 of code cell 4 in hw.ipynb",)
    for content, expected in ((made, told), (made.replace(b"cell", b"sell"), ()), (b"\n\n\n" + made, ())):
        submission = replace(SUBMISSION, files={"functions.py": content}, origin={"functions.py": "hw.ipynb"})
        check = grade(submission, homework(tmp_path, wrong), seed=1).checks[0]
        assert (check.where, check.advice) == ("functions.py:3", expected)


def test_thirds_of_a_point_add_up(tmp_path):
    def again(hw: Any, rng: Any) -> None:
        """Again."""

    def more(hw: Any, rng: Any) -> None:
        """More."""

    assert grade(SUBMISSION, homework(tmp_path, right, again, more), seed=1).score == 6


def test_a_skipped_item_is_in_the_maximum_and_shown_apart(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, right, skipped=True), seed=1)
    assert (report.score, report.max_score, report.skipped) == (6, 10, 4)


@pytest.mark.parametrize("files", [{}, {"functions.py": b"def f(:"}, {"functions.py": b"import os; os._exit(0)"}])
def test_the_maximum_never_depends_on_the_submission(tmp_path, files):
    report = grade(replace(SUBMISSION, files=files), homework(tmp_path, right), seed=1)
    assert (report.score, report.max_score) == (0, 6)


def test_only_the_named_items_are_graded(tmp_path):
    plan = homework(tmp_path, right, skipped=True)
    assert grade(SUBMISSION, plan, seed=1, only=["1.1"]).max_score == 6
    assert grade(SUBMISSION, plan, seed=1, only=["1"]).max_score == 10
    with pytest.raises(UsageError, match="no task 7"):
        grade(SUBMISSION, plan, seed=1, only=["7"])


def test_results_are_told_as_they_end(tmp_path):
    told: list[str] = []
    grade(SUBMISSION, homework(tmp_path, right, wrong), seed=1, on_result=lambda result: told.append(result.name))
    assert told == ["right", "wrong"]


IMAGES = DataSet("images", "Images", "Images", stand_in=False, verified=True, digest="abc", arrays={})


def reading(plan: Homework) -> Homework:
    """The homework with a data set that its task declares."""
    tasks = tuple(replace(task, data=("images",)) for task in plan.rubric.tasks)
    declared = {"images": DataPlan("images", "Images", ("images",), {}, (Download("https://x.org/a", "abc", 3),))}
    return replace(plan, rubric=replace(plan.rubric, tasks=tasks, data=declared))


def training(hw: Any, rng: Any) -> None:
    """It trains."""
    assert hw.data("images") is hw.data("images")
    hw.progress(f"full: {hw.full}")
    made: list[int] = []
    for _ in range(2):
        assert hw.once("made", lambda: made.append(1) or "it") == "it"
    assert made == [1]


@pytest.mark.parametrize(
    ("content", "version", "notes"),
    [
        (b"one", f"Images {hashlib.md5(b'one').hexdigest()[:12]}", []),
        (b"two", f"Images {hashlib.md5(b'two').hexdigest()[:12]} (unverified)",
         ["graded on Images, checksum not verified"]),
        (None, "Images no longer there (unverified)", ["graded on Images, checksum not verified"]),
    ],
)  # fmt: skip
def test_the_report_says_what_single_file_it_rests_on(tmp_path, content, version, notes):
    """Such as weights, which a check loads itself, and which may be gone by then."""
    path, plan = tmp_path / "weights.pth", reading(homework(tmp_path, training))
    if content:
        path.write_bytes(content)
    declared = replace(plan.rubric.data["images"], files={path.name: hashlib.md5(b"one").hexdigest()})
    plan = replace(plan, rubric=replace(plan.rubric, data={"images": declared}))
    report = grade(SUBMISSION, plan, seed=1, data=lambda name: path)
    assert report.provenance.versions["images"] == version
    assert list(report.notes[1:]) == notes


@pytest.mark.parametrize(
    ("changed", "version", "notes"),
    [
        ({}, "Images abc", ()),
        ({"verified": False, "source": "Images, sums not verified"}, "Images abc (unverified)", ("not verified",)),
        ({"verified": False, "stand_in": True}, "Images abc (stand-in data)", ("stand-in data",)),
    ],
)
def test_the_report_says_what_data_it_rests_on(tmp_path, changed, version, notes):
    images = replace(IMAGES, **changed)
    read, lines = [], []

    def data(name: str) -> Any:
        read.append(name)
        return images

    run = {"seed": 1, "data": data, "full": True, "on_progress": lines.append}
    report = grade(SUBMISSION, reading(homework(tmp_path, training)), **run)
    assert verdicts(report) == {"training": Verdict.PASS}
    assert report.provenance.versions["images"] == version
    assert len(report.notes) == 1 + len(notes)
    assert all(word in note for word, note in zip(notes, report.notes[1:], strict=True))
    assert lines == ["full: True"]
    assert len(read) == 1
    grade(SUBMISSION, reading(homework(tmp_path, training)), **run)  # nothing is kept from one submission to the next


def test_data_that_nothing_asked_for_are_not_read(tmp_path):
    report = grade(SUBMISSION, homework(tmp_path, right), seed=1, data=lambda name: pytest.fail("read"))
    assert "images" not in report.provenance.versions
    assert report.notes == ("a note",)


def test_data_that_cannot_be_used_are_no_fault_of_the_submission(tmp_path):
    def refused(name: str) -> Any:
        raise UsageError("data_batch_1 is not the official file")

    with pytest.raises(UsageError, match="official"):
        grade(SUBMISSION, reading(homework(tmp_path, training)), seed=1, data=refused)


def test_data_that_were_not_declared_are_refused_with_the_line_of_the_item(tmp_path):
    plan = homework(tmp_path, training)
    plan = replace(plan, rubric=replace(plan.rubric, path=Path("rubric.yaml"), lines={("item", "1.1"): 12}))
    with pytest.raises(UsageError, match=r"rubric\.yaml:12: a check of item 1\.1 reads images; add `data: \[images\]`"):
        grade(SUBMISSION, plan, seed=1, data=lambda name: pytest.fail("read"))
    (task,) = plan.rubric.tasks
    items = tuple(replace(item, data=("images",)) for item in task.items)
    plan = replace(plan, rubric=replace(plan.rubric, tasks=(replace(task, items=items),)))
    assert verdicts(grade(SUBMISSION, plan, seed=1, data=lambda name: IMAGES)) == {"training": Verdict.PASS}


def test_no_student_is_at_fault_for_data_that_are_absent(tmp_path):
    report = grade(SUBMISSION, reading(homework(tmp_path, training)), seed=1, data=lambda name: None)
    assert verdicts(report) == {"training": Verdict.SKIPPED}
    assert report.checks[0].message.startswith("Images is not on this machine; `python grade.py data")


def test_an_item_with_a_fault_of_ours_asks_for_a_person_once(tmp_path):
    def faulty(hw: Any, rng: Any) -> None:
        """Our own fault, too."""
        raise KeyError("ours")

    report = grade(SUBMISSION, homework(tmp_path, broken, faulty, right), seed=1)
    assert report.needs_review == ("1.1: a fault of the grader in broken, faulty",)


def test_each_task_that_is_done_is_told_with_the_rest_as_not_measured(tmp_path):
    given = homework(tmp_path, right, wrong)
    first = given.rubric.tasks[0]
    second = replace(first, id="2", items=(Item("2.1", "Later", 3, (CheckPlan("half", 3),)),))
    given = replace(
        given,
        rubric=replace(given.rubric, tasks=(first, second)),
        checks=given.checks | {"half": Check("half", "2.1", half.__doc__, half)},
    )
    told: list[Any] = []
    whole = grade(SUBMISSION, given, seed=1, on_task=told.append)
    assert [(one.score, one.skipped, one.max_score, one.interrupted) for one in told] == [
        (3, 3, 9, True),
        (4.5, 0, 9, True),
    ]
    assert verdicts(told[0])["half"] is Verdict.SKIPPED
    assert told[-1].tasks == whole.tasks
    assert not whole.interrupted
    grade(SUBMISSION, given, seed=1, only=["2"], on_task=told.append)
    assert [task.id for task in told[-1].tasks] == ["2"]
    assert len(told) == 3


def test_a_result_keeps_when_its_student_may_see_it(tmp_path):
    plan = homework(tmp_path, drawing, broken)
    (task,) = plan.rubric.tasks
    (item,) = task.items
    kept = replace(item, checks=tuple(replace(one, visibility="hidden") for one in item.checks))
    hidden = replace(plan, rubric=replace(plan.rubric, tasks=(replace(task, items=(kept,)),)))
    assert [check.visibility for check in grade(SUBMISSION, plan, seed=1).checks] == ["visible", "visible"]
    assert [check.visibility for check in grade(SUBMISSION, hidden, seed=1).checks] == ["hidden", "hidden"]
    away = replace(hidden.rubric.sections[0], needs=("no_such_package",))
    skipped = grade(SUBMISSION, replace(hidden, rubric=replace(hidden.rubric, sections=(away,))), seed=1)
    assert [check.visibility for check in skipped.checks] == ["hidden", "hidden"]


def test_what_to_type_names_the_packages_that_are_missing():
    assert why(["torch", "torchvision"]).endswith("are not installed; type: python -m pip install -e '.[torch]'")
    assert why(["torch", "nowhere"]).endswith("type: python -m pip install -e '.[torch]' nowhere")
    assert why(["nowhere"]) == "nowhere is not installed; type: python -m pip install nowhere"
