"""A handout asks a recording. It has to say of every submission what the course says at the same seed."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from grader.check import ROOT, load
from grader.errors import UsageError
from grader.grading import grade
from grader.measure.expect import MORE
from grader.model import Homework, Report, Verdict
from grader.reference import LACKING, Recorded
from grader.release.recording import record, works_of

sys.path.insert(0, str(ROOT / "tests"))
import test_submissions as submissions

pytestmark = pytest.mark.medium

SEED = 1  # the one that test_submissions grades with
SLOW = (
    "train-",
    "odd-endless",
    "odd-sleep",
    "odd-4-gb",
    "odd-flood",
    "odd-huge",
)  # they ask the reference nothing more


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    path = tmp_path_factory.mktemp("recording") / "answers.zip"
    path.write_bytes(record(ROOT / "grader" / "homework", (SEED,)))
    assert path.stat().st_size * 32 < 5_000_000
    return Recorded(path)


def of(report: Report) -> dict[str, tuple[Verdict, float, str]]:
    """Check -> what it came to; a session's folder has another name each time."""
    return {
        check.name: (check.verdict, check.earned, re.sub(r"backgrade-\w+", "", check.message))
        for check in report.checks
    }


@pytest.mark.parametrize(
    "folder",
    [one.values[0] for one in submissions.parameters() if not one.values[0].name.startswith(SLOW)],
    ids=lambda folder: folder.name,
)
def test_a_handout_says_what_the_course_says(folder: Path, recorded: Recorded, tmp_path: Path) -> None:
    expected = submissions.Expected(**yaml.safe_load((folder / "expect.yaml").read_text(encoding="utf-8")))
    course = submissions.changed(expected.limits, expected.settings)
    path = submissions.hand_in(folder, expected, tmp_path)
    live = submissions.grade_path(path, course, expected.only)
    apart = replace(course, answers=recorded, modules={})
    told = submissions.grade_path(path, apart, expected.only)
    lacking = {name for name, found in of(told).items() if found[2] == LACKING}
    assert {name: found for name, found in of(told).items() if name not in lacking} == {
        name: found for name, found in of(live).items() if name not in lacking
    }
    assert not lacking or folder.name == "wrong-hidden-dim-ignored"  # a network of other sizes than any that was asked
    assert MORE not in [sentence for check in told.checks for sentence in check.advice]


def test_what_was_not_asked_is_no_fault_of_anyone(recorded: Recorded, tmp_path: Path) -> None:
    expected = submissions.Expected("right")
    path = submissions.hand_in(submissions.FOLDER / "right-flat", expected, tmp_path)
    emptied = Recorded(recorded.path)
    emptied.begin(SEED)
    emptied.begin = lambda seed: None  # type: ignore[method-assign]
    emptied.answers = {}
    report = submissions.grade_path(path, replace(submissions.HOMEWORK, answers=emptied))
    by = of(report)
    assert {verdict for verdict, _, _ in by.values()} <= {Verdict.SKIPPED, Verdict.PASS}
    assert by["fc_forward"] == (Verdict.SKIPPED, 0.0, LACKING)


def test_a_seed_that_is_not_recorded_is_refused(recorded: Recorded) -> None:
    homework: Homework = replace(submissions.HOMEWORK, answers=Recorded(recorded.path))
    with pytest.raises(UsageError, match="holds no answers for seed 2; its seeds are 1"):
        homework.answers.begin(2)
    assert homework.answers.draw_seed() == SEED


@pytest.mark.parametrize("name", ["normalization", "autograd", "framework", "attention"])
def test_another_homework_is_recorded_alike(name: str, tmp_path: Path) -> None:
    folder = ROOT / "tests" / "homeworks" / name
    (tmp_path / "answers.zip").write_bytes(record(folder, (1, 2)))
    live = load(folder)
    apart = replace(live, answers=Recorded(tmp_path / "answers.zip"), modules={})
    for title, work in works_of(live):
        course, told = (of(grade(work, one, seed=2)) for one in (live, apart))
        for check, found in told.items():
            if found[2] == LACKING:
                assert check == "speed"  # the reference's own loop is its bar
            elif check != "dropout":  # torch draws there, and nobody seeds it
                assert found == course[check], title
