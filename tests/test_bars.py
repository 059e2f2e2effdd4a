"""The training bars' benchmark: a right training clears its bar, a wrong one does not, and the rates are what they say.

Many seeds are measured by hand (tests/benchmarks/bars.py); the README shows their summary.
"""

from __future__ import annotations

import ast
import importlib
import json
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from grader.data import datasets
from grader.homework.data import cifar10
from grader.loading import OWN, load
from grader.sandbox.launch import Zygotes

pytestmark = pytest.mark.medium

ROOT = Path(__file__).resolve().parents[1]
BENCHMARKS = ROOT / "tests" / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield {name: importlib.import_module(name) for name in ("trainings", "rates", "bars")}
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def images():
    return datasets.made_up(load(OWN).rubric.data["cifar10"], cifar10.made_up(train=5400, test=10))


LEARN = ("no reg gradient", "half of each batch")  # wrong trainings that reach the bars, as the README says
QUICK = {"num_train": 60, "hidden_dim": 30, "batch_size": 10, "num_epochs": 100, "learning_rate": 0.04, "reg": 0.0}


def test_right_training_clears_its_bar_graded_or_trained_to_the_end_and_wrong_training_does_not(benchmark, images):
    trainings, bars, homework = benchmark["trainings"], benchmark["bars"], load(OWN)
    steps = {"right": "", "graded": "", "wrong": trainings.WRONG_STEPS["shuffled labels"]}
    with Zygotes() as zygotes:
        right, graded, wrong = (
            bars.run(homework, bars.Row("4.3", "stand-in", kind, "", trainings.two_layers("4.3", QUICK, step)),
                     images, 1, zygotes.launch)
            for kind, step in steps.items()
        )  # fmt: skip
    assert graded["earned"] == graded["points"]
    assert 0.75 <= graded["accuracy"] <= right["accuracy"]  # the same run, which stops at the bar
    assert 0 < right["cleared"] <= right["seconds"]
    assert (wrong["earned"], wrong["elsewhere"]) == (0, ["4.1"])
    assert wrong["accuracy"] < 0.5


def test_right_work_that_did_not_run_is_no_measurement(benchmark, images):
    trainings, bars = benchmark["trainings"], benchmark["bars"]
    broken = trainings.two_layers("4.3", QUICK, "") | {"train.py": "raise OSError(28, 'No space left on device')"}
    with Zygotes() as zygotes, pytest.raises(SystemExit, match="right work did not run"):
        bars.run(load(OWN), bars.Row("4.3", "stand-in", "right", "", broken), images, 1, zygotes.launch)


def test_what_is_in_the_record_is_not_done_again_and_a_cut_line_is(benchmark, images, tmp_path, monkeypatch):
    bars, done = benchmark["bars"], []
    found = {"accuracy": 0.8, "earned": 5.0, "points": 5.0, "asked": 0, "seconds": 9.0, "cleared": 6.0, "elsewhere": []}
    monkeypatch.setattr(bars, "run", lambda homework, row, images, seed, launch: done.append(seed) or found)
    given = Namespace(record=tmp_path / "record.jsonl", seeds=3, seconds=1e9, speed=1.0)
    rows = [(bars.Row("4.3", "stand-in", "right", "few units", bars.KINDS["right"]("4.3")["few units"]), images)]
    for seeds in (2, 3):
        bars.measure(load(OWN), rows, Namespace(**vars(given) | {"seeds": seeds}))
    assert done == [1, 2, 3]
    given.record.write_text(given.record.read_text()[:-9])
    bars.measure(load(OWN), rows, given)
    assert done == [1, 2, 3, 3]
    (cell,) = (cell for cell in bars.summed(bars.lines_of(given.record), load(OWN)) if cell.runs)
    assert (cell.runs, cell.missed, cell.used) == (3, 0, (0.1, 0.1, 0.1))
    assert cell.margins == pytest.approx((0.05, 0.05, 0.05))


def test_every_training_can_be_made_and_differs_from_the_reference(benchmark):
    """A replacement that no longer fits the reference would measure right work as wrong."""
    for item, data in benchmark["bars"].DATA.items():
        made = [files for files_of in benchmark["bars"].KINDS.values() for files in files_of(item).values()]
        assert len(made) >= 7 + 15 + 7, data
        wrong = benchmark["trainings"].wrong(item)
        assert len({json.dumps(files) for files in wrong.values()}) == len(wrong) >= 15
        for files in made:
            for name, text in files.items():
                if name.endswith(".py"):
                    ast.parse(text)


def test_the_bounds_are_those_of_the_tables(benchmark):
    """Clopper and Pearson for a count; for margins, tolerance factors of Odeh and Owen (1980)."""
    rates = benchmark["rates"]
    assert rates.bound(0, 3000) == pytest.approx(1e-3, rel=2e-3)
    assert rates.bound(0, 59) == pytest.approx(0.05, rel=0.01)
    assert rates.bound(2, 100) == pytest.approx(0.0616, abs=2e-4)
    assert rates.bound(5, 5) == pytest.approx(1.0)
    for runs, factor, beyond in ((10, 3.981, 0.01), (20, 3.295, 0.01), (50, 2.862, 0.01), (20, 2.396, 0.05)):
        assert rates.beyond(factor, 1.0, runs, runs - 1) == pytest.approx(beyond, rel=0.12)
    assert rates.deviation([(1.0, 3.0), (5.0, 5.0)]) == (1.0, 2)


def test_the_readme_shows_what_was_measured(benchmark):
    groups = json.loads((BENCHMARKS / "bars.json").read_text(encoding="utf-8"))
    readme, slow = (ROOT / "README.md").read_text(encoding="utf-8"), [one for one in groups if one["kind"] == "graded"]
    assert benchmark["rates"].published(groups) in readme
    assert f"{sum(one['runs'] for one in slow)} times with" in readme
    assert f"{max(one['used'] for one in slow):.0%}".replace("%", " % if each step is done four times") in readme
    for group in groups:
        assert group["kind"] == "wrong" or group["missed"] == 0, group
        assert group["kind"] != "right" or group["used"] < 1 / 3, group
        for name, elsewhere in group["passing"].items():
            assert group["item"] == "5.3" or (name in LEARN and elsewhere == ["4.1"]), group
