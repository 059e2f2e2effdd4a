"""Items 4.2 and 4.3: what a training run earns, what is shown of it, and what a person is asked."""

from __future__ import annotations

import base64
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.errors import Mismatch
from grader.homework import curves, task4_runs, training_run
from grader.homework.training_run import TRAIN, VALIDATION
from grader.model import Measure

sys.path.insert(0, str(Path(__file__).parent))
from fake_training import IMAGES, LAYERS, NETWORK, ONE_SETTING, FakeSubject, outcome

pytestmark = pytest.mark.usefixtures("predictions_follow")


def judge(check: Any, *scripts: Any, network: Any = None, **options: Any) -> FakeSubject:
    hw = FakeSubject(*scripts, **options)
    hw.session.network = NETWORK if network is None else network
    try:
        check(hw, np.random.default_rng(0))
    except Mismatch as error:
        hw.error = error.message
    return hw


def test_a_cleared_bar_passes_with_a_measure_and_two_figures():
    hw = judge(task4_runs.best_model, [0.2, 0.45])
    assert hw.error is None
    assert hw.measures == [Measure("validation accuracy", 0.45, 0.4, at_least=True)]
    assert [figure.kind for figure in hw.figures] == ["curves", "weights"]
    assert hw.figures[0].data["validation"] == [0.2, 0.45]
    assert hw.figures[0].data["epochs"] == [2, 4]
    assert "Stopped in epoch 2 as soon as the bar was cleared" in hw.figures[0].data["caption"]
    assert "validation 20.0%" in hw.lines[0]


def test_each_check_reads_its_own_place():
    best, overfit = judge(task4_runs.best_model, [0.9]), judge(task4_runs.overfit_model, [0.9])
    assert best.orders[0]["settings"]["num_train"] == 1000  # all there are
    assert overfit.orders[0]["settings"]["num_train"] == 500
    assert overfit.measures[0].name == "training accuracy"


def test_a_miss_says_how_far_and_why():
    hw = judge(task4_runs.best_model, [{VALIDATION: 0.31, TRAIN: 0.6}])
    assert re.search("validation accuracy is 31.0.*40.*overfits: train on more images", hw.error)
    assert not hw.questions


def test_one_setting_counts_for_the_bar_it_clears_and_a_person_looks_for_the_other():
    source = ONE_SETTING.encode()
    hw = FakeSubject([(0.45, 0.5)], source=source)
    rng = np.random.default_rng(0)
    task4_runs.best_model(hw, rng)
    assert not hw.questions
    with pytest.raises(Mismatch, match=r"not in the files.*best model's bar \(45.0%\).*item 4.2"):
        task4_runs.overfit_model(hw, rng)
    assert len(hw.orders) == 1  # trained once for both
    assert len(hw.questions) == 1
    both = FakeSubject([(0.45, 0.5), (0.41, 0.8)], source=source)
    for check in (task4_runs.best_model, task4_runs.overfit_model):
        check(both, np.random.default_rng(0))  # one setting may clear both bars
    assert len(both.orders) == 1
    other = judge(task4_runs.best_model, [(0.1, 0.8)], source=source)
    assert re.search("not in the files.*overfit model's bar.*item 4.3", other.error)


def test_one_setting_that_clears_nothing_leaves_a_question_unless_it_is_the_handouts():
    hw = judge(task4_runs.best_model, [(0.2, 0.2)], source=ONE_SETTING.encode())
    assert "one setting" in hw.questions[0]
    untouched = judge(task4_runs.best_model, [(0.1, 0.1)], source=ONE_SETTING.replace("0.05", "0.0001").encode())
    assert not untouched.questions
    assert "chance level" in untouched.error


def test_stand_in_data_are_named_wherever_a_number_rests_on_them():
    hw = FakeSubject([0.2])
    hw.data = SimpleNamespace(**vars(IMAGES) | {"stand_in": True})
    with pytest.raises(Mismatch, match="on stand-in data"):
        task4_runs.best_model(hw, np.random.default_rng(0))
    assert "stand-in data" in hw.measures[0].name
    assert "stand-in data" in hw.figures[0].title


def test_a_run_cut_by_its_budget_is_left_to_a_person_when_it_fails():
    hw = judge(task4_runs.best_model, [0.2] * 50, budget=3)
    assert "budget" in hw.questions[0]
    assert re.search("stopped in epoch 3 of .* after 3 s of processor time.*judged on the best", hw.error)
    hopeless = judge(task4_runs.best_model, [0.1] * 50, budget=8)
    assert "chance level" in hopeless.error
    assert not hopeless.questions


def test_a_run_that_fails_by_a_wrong_layer_below_is_told_so():
    hw = FakeSubject([0.1])
    hw.layers = SimpleNamespace(**vars(LAYERS) | {"softmax_loss": lambda x, y: (0.0, x)})
    with pytest.raises(Mismatch, match=r"gradients of its loss\? Your softmax_loss is wrong \(item 2.3\)"):
        task4_runs.best_model(hw, np.random.default_rng(0))


def test_unreadable_hyperparameters_are_named_with_their_line():
    source = ONE_SETTING.replace("    reg = 0.001\n", "    reg = args.reg\n").encode()
    hw = judge(task4_runs.best_model, [(0.5, 0.5)], source=source)
    assert hw.orders[0]["settings"] == {}
    assert "reg is not a constant (train.py:7)" in hw.advice[0]
    assert "no function main" in judge(task4_runs.best_model, source=b"x = 1\n").error


def test_weights_become_bytes_with_grey_for_zero():
    weights = np.zeros((3072, 2))
    weights[0, 0], weights[1024, 0] = 2.0, -2.0  # the first pixel: red is high, green is low
    images = task4_runs.images_of(weights, "best")["images"]
    first, second = (base64.b64decode(image) for image in images)
    assert tuple(first[:3]) == (255, 0, 128)
    assert set(second) == {128}
    assert len(first) == 3072


def test_a_curve_is_thinned_and_holds_nothing_that_json_lacks():
    drawn = task4_runs.curves(outcome((0.3, 0.31), losses=[2.0] * 4999 + [math.nan]), VALIDATION)
    assert len(drawn["losses"]) == len(drawn["steps"]) == curves.POINTS
    assert drawn["steps"][-1] == 5000
    assert drawn["losses"][-1] is None


def test_predictions_that_do_not_follow_from_the_parameters_earn_nothing_until_a_person_has_looked(monkeypatch):
    """A table of the labels does as well as any network, and so does another network."""
    monkeypatch.setattr(training_run.Network, "predict", lambda self, X: np.zeros(len(X), int))
    for check, of in ((task4_runs.overfit_model, "training"), (task4_runs.best_model, "validation")):
        for network in (NETWORK, {**NETWORK, "table": np.ones(5, np.float32)}):
            hw = judge(check, [0.9], network=network)
            assert re.search(f"the {of} accuracy of 90.0% does not come from the network", hw.error)
            assert "do not follow from its parameters" in hw.questions[0]
