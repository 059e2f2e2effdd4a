"""Two of the notebooks of tests/benchmarks/not_learned.py are run: what shows that they did not learn is a question."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from grader.grading import grade
from grader.loading import ROOT, load
from grader.model import Submission

sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))
from bright import few_greys, quick

from tests.benchmarks import not_learned

pytestmark = [
    pytest.mark.medium,
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"),
]
HOMEWORK = quick(load(ROOT / "grader" / "homework"))


@pytest.fixture(scope="module")
def data() -> Any:
    return {"fashion-mnist": few_greys()}.__getitem__


@pytest.mark.parametrize("name", ["filters: times nothing", "solved: little by little"])
def test_what_was_not_learned_is_a_question(name, data):
    cheat = not_learned.CHEATS[name]
    files = {"part1.ipynb": not_learned.notebook(cheat).replace(b"num_epoch = 8", b"num_epoch = 2")}
    report = grade(Submission(name, files, {file: file for file in files}, ""), HOMEWORK, seed=1, only=["5"], data=data)
    assert [question for question in report.needs_review if re.search(cheat.asks, question)]
    assert not report.faulty
