"""Other homeworks, graded without a change of the engine: right work gets every point, each mistake its own loss.

A mistake is one replacement in the reference: see grader/mistakes.py.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from grader import mistakes
from grader.grading import grade
from grader.handout import contents
from grader.loading import load
from grader.model import Homework, Report, Submission
from grader.sandbox.launch import Zygotes

pytestmark = pytest.mark.medium

FOLDER = Path(__file__).parent / "homeworks"
HOMEWORKS = sorted(path.name for path in FOLDER.iterdir() if (path / "rubric.yaml").is_file())
MOST_LINES = 120  # of checks and rubric together
MISTAKES = {name: {one.name: one for one in mistakes.read(FOLDER / name)[0]} for name in HOMEWORKS}
WRONG = [(name, mistake) for name in HOMEWORKS for mistake in MISTAKES[name]]
RIGHT = [(name, path.name) for name in HOMEWORKS for path in sorted((FOLDER / name / "right").iterdir())]
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed here")


def marked(cases: list[Any]) -> list[Any]:
    """Cases, those of attention skipped where there is no PyTorch."""
    first = [case if isinstance(case, str) else case[0] for case in cases]
    values = [(case,) if isinstance(case, str) else case for case in cases]
    return [
        pytest.param(*value, marks=[needs_torch] if name == "attention" else [], id="-".join(value))
        for name, value in zip(first, values, strict=True)
    ]


@lru_cache
def loaded(name: str) -> Homework:
    return load(FOLDER / name)


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


def judged(homework: Homework, files: dict[str, bytes], launch: Any, seed: int = 1) -> Report:
    return grade(Submission("s", files, {}, ""), homework, seed=seed, launch=launch)


def work_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.py") if path.name != "__init__.py"}


def problems(report: Report) -> list[str]:
    return [f"{check.name}: {check.verdict} {check.message}" for check in report.checks if check.earned < check.points]


@pytest.mark.parametrize("name", marked(HOMEWORKS))
def test_the_reference_gets_every_point_on_several_seeds(name, launch):
    for seed in range(3):
        report = judged(loaded(name), work_in(FOLDER / name / "reference"), launch, seed)
        assert (report.score, problems(report), report.needs_review) == (report.max_score, [], ())


@pytest.mark.parametrize(("name", "work"), marked(RIGHT))
def test_right_work_in_another_style_gets_every_point(name, work, launch):
    report = judged(loaded(name), work_in(FOLDER / name / "right" / work), launch)
    assert (report.score, problems(report), report.needs_review) == (report.max_score, [], ())


@pytest.mark.parametrize("name", marked(HOMEWORKS))
def test_the_handout_earns_nothing(name, launch):
    homework = loaded(name)
    files = {Path(path).name: content for path, content in homework.handout.items() if not path.endswith("__init__.py")}
    report = judged(homework, files, launch)
    assert report.score == 0, [check for check in report.checks if check.earned]
    assert not report.faulty, problems(report)


@pytest.mark.parametrize(("name", "mistake"), marked(WRONG))
def test_a_mistake_costs_its_items_and_is_told(name, mistake, launch):
    case = MISTAKES[name][mistake]
    assert case.loses
    assert case.says
    reference = Submission(mistake, work_in(FOLDER / name / "reference"), {}, "")
    homework = loaded(name)
    report = grade(case.made_in(reference), homework, seed=1, launch=launch)
    assert list(case.findings(report, homework)) == [], problems(report)


@pytest.mark.parametrize("name", HOMEWORKS)
def test_a_homework_is_short_has_enough_mistakes_and_its_handout_is_made_of_its_reference(name):
    parts = [FOLDER / name / "rubric.yaml", *(FOLDER / name).glob("*.py")]
    lines = sum(1 for path in parts for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    assert lines <= MOST_LINES
    assert len(MISTAKES[name]) >= 6
    assert mistakes.read(FOLDER / name)[1] == []
    assert sum(work == name for work, _ in RIGHT) >= 2
    homework = FOLDER / name
    made = contents(homework / "reference", homework / "fixtures", loaded(name).rubric)
    there = {
        path.relative_to(homework / "student").as_posix(): path.read_bytes()
        for path in (homework / "student").rglob("*")
        if path.is_file()
    }
    assert there == made
