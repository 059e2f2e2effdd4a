"""Right work: folders, and blocks that are combined."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.command.check_homework import handed_in
from grader.errors import UsageError
from grader.grading import grade
from grader.loading import ROOT, load
from grader.model import Submission, Verdict
from grader.sandbox.launch import Zygotes
from grader.selftest.table import upper_bound
from grader.selftest.trial import chosen
from grader.selftest.wheats import LEAST, combinations, groups, wheats

pytestmark = pytest.mark.medium

HOMEWORK = load(ROOT / "grader" / "homework")
REFERENCE = handed_in(HOMEWORK, HOMEWORK.reference)
ITEMS = chosen(HOMEWORK, ())[0]


def test_there_are_sixty_right_solutions_and_every_block_is_in_one():
    works = wheats(HOMEWORK, REFERENCE)
    assert len({work.name for work in works}) == len({tuple(work.files.items()) for work in works}) >= LEAST
    for path in (HOMEWORK.folder / "right").glob("*.py"):
        for group in groups(path, REFERENCE):
            for block in group:
                assert any(block.text in work.files[path.name].decode() for work in works), block.name


def test_each_block_is_right():
    """With few combinations, so that each is in one."""
    with Zygotes() as zygotes:
        for work in wheats(HOMEWORK, REFERENCE, least=0):
            report = grade(work, HOMEWORK, seed=5, only=ITEMS, launch=zygotes.launch)
            wrong = [(one.name, one.message) for one in report.checks if one.verdict is not Verdict.PASS]
            assert (wrong, report.needs_review) == ([], ()), work.name


def test_combinations_hold_every_choice_and_are_as_many_as_are_asked_for():
    found = combinations([3, 2, 5], 10)
    assert len(found) == len(set(found)) >= 10
    for at, size in enumerate([3, 2, 5]):
        assert {one[at] for one in found} == set(range(size))
    assert combinations([], 10) == []


def test_a_block_that_cannot_be_used_is_named_with_its_line(tmp_path: Path):
    reference = Submission("r", {"work.py": b"def f(x):\n    return x\n"}, {}, "")
    path = tmp_path / "work.py"
    for text, says in (
        ("# %% one\ndef g(x):\n    return x\n", r"work\.py:1: one defines no function of the reference's"),
        ("\n# %% one\ndef f(x:\n", r"work\.py:3: .*; correct this block"),
    ):
        path.write_text(text)
        with pytest.raises(UsageError, match=says):
            groups(path, reference)
    with pytest.raises(UsageError, match=r"students hand in no other\.py"):
        groups(tmp_path / "other.py", reference)


def test_the_bound_of_a_rate_is_the_exact_one():
    assert upper_bound(0, 1220) == pytest.approx(1 - 0.05 ** (1 / 1220), rel=1e-9)
    assert upper_bound(1, 20) == pytest.approx(0.2161, abs=1e-4)
    assert upper_bound(5, 5) == 1
