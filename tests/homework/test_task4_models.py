"""Items 4.2 and 4.3: what a training run earns, what is shown of it, and what a person is asked."""

from __future__ import annotations

import base64
import math
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.errors import Mismatch, Raised, Skipped
from grader.homework import task4_models
from grader.homework.training import BEST, curves, trained_network
from grader.homework.training.two_layer_run import TRAIN, VALIDATION
from grader.model import Measure

sys.path.insert(0, str(Path(__file__).parent))
import fake
from fake_training import IMAGES, MODULES, NETWORK, ONE_SETTING, FakeSubject, outcome

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
    hw = judge(task4_models.best_model, [0.2, 0.45])
    assert hw.error is None
    assert hw.measures == [Measure("validation accuracy", 0.45, 0.4, at_least=True)]
    assert [figure.kind for figure in hw.figures] == ["curves", "weights"]
    assert hw.figures[0].data["validation"] == [0.2, 0.45]
    assert hw.figures[0].data["epochs"] == [2, 4]
    assert "Stopped in epoch 2 as soon as the bar was cleared" in hw.figures[0].data["caption"]
    assert "validation 20.0%" in hw.lines[0]


@pytest.mark.parametrize(
    ("likeness", "own_main", "asked"), [(0.9, False, 1), (0.99, False, 0), (0.3, True, 1), (0.5, True, 0)]
)
def test_other_gradients_in_the_run_than_on_small_inputs_are_a_question(monkeypatch, likeness, own_main, asked):
    """Where main runs, it may have turned on dropout or flips, so that less likeness is asked for."""
    monkeypatch.setattr(task4_models, "right", lambda *_: True)
    found, said = outcome((0.5, 0.5)), []
    found.likeness = likeness
    task4_models.ask_of_gradients(SimpleNamespace(review=said.append), found, BEST, own_main=own_main)
    assert [f"(cosine {likeness:.2f})" in one for one in said] == [True] * asked


def test_each_check_reads_its_own_place():
    best, overfit = judge(task4_models.best_model, [0.9]), judge(task4_models.overfit_model, [0.9])
    assert best.orders[0]["settings"]["num_train"] == 1000  # all there are
    assert overfit.orders[0]["settings"]["num_train"] == 500
    assert overfit.measures[0].name == "training accuracy"


def test_a_miss_says_how_far_and_why():
    hw = judge(task4_models.best_model, [{VALIDATION: 0.31, TRAIN: 0.6}])
    assert re.search("validation accuracy is 31.0.*40.*overfits: train on more images", hw.error)
    assert not hw.questions


def test_one_setting_counts_for_the_bar_it_clears_and_a_person_looks_for_the_other():
    source = ONE_SETTING.encode()
    hw = FakeSubject([(0.45, 0.5)], source=source)
    rng = np.random.default_rng(0)
    task4_models.best_model(hw, rng)
    assert not hw.questions
    with pytest.raises(Mismatch, match=r"not in the files.*best model's bar \(45.0%\).*item 4.2"):
        task4_models.overfit_model(hw, rng)
    assert len(hw.orders) == 1  # trained once for both
    assert len(hw.questions) == 1
    both = FakeSubject([(0.45, 0.5), (0.41, 0.8)], source=source)
    for check in (task4_models.best_model, task4_models.overfit_model):
        check(both, np.random.default_rng(0))  # one setting may clear both bars
    assert len(both.orders) == 1
    other = judge(task4_models.best_model, [(0.1, 0.8)], source=source)
    assert re.search("not in the files.*overfit model's bar.*item 4.3", other.error)


def test_one_setting_that_clears_nothing_leaves_a_question_unless_it_is_the_handouts():
    hw = judge(task4_models.best_model, [(0.2, 0.2)], source=ONE_SETTING.encode())
    assert "one setting" in hw.questions[0]
    untouched = judge(task4_models.best_model, [(0.1, 0.1)], source=ONE_SETTING.replace("0.05", "0.0001").encode())
    assert not untouched.questions
    assert "chance level" in untouched.error


def test_stand_in_data_are_named_wherever_a_number_rests_on_them():
    hw = FakeSubject([0.2])
    hw.images = SimpleNamespace(**vars(IMAGES) | {"stand_in": True})
    with pytest.raises(Mismatch, match="on stand-in data"):
        task4_models.best_model(hw, np.random.default_rng(0))
    assert "stand-in data" in hw.measures[0].name
    assert "stand-in data" in hw.figures[0].title


def test_a_run_cut_by_its_budget_is_left_to_a_person_when_it_fails():
    hw = judge(task4_models.best_model, [0.2] * 50, budget=3)
    assert "time limit" in hw.questions[0]
    assert re.search("stopped in epoch 3 of .* after 3 CPU seconds; its best epoch counts", hw.error)
    hopeless = judge(task4_models.best_model, [0.1] * 50, budget=8)
    assert "chance level" in hopeless.error
    assert not hopeless.questions


def student(module: str, **functions: Any) -> dict[str, Any]:
    """The reference's modules, with functions that are the student's."""
    return {module: fake.FakeModule(FakeSubject(), SimpleNamespace(**vars(MODULES[module]) | functions))}


def step(change: Callable[[Any, Any], Any], model: Any, X: Any, y: Any, reg: float) -> Any:
    """The reference's training_step, each gradient changed with its parameter."""
    loss, grads = MODULES["train"].training_step(model, X, y, reg)
    return loss, {name: change(grad, model.parameters()[name]) for name, grad in grads.items()}


class ZeroFirst(MODULES["two_layer_net"].TwoLayerNet):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.W1[...] = 0


class Unmasked(MODULES["two_layer_net"].TwoLayerNet):
    def backward(self, grad: Any, cache: Any) -> Any:
        grads = super().backward(grad, cache)
        return grads | {"b1": (grad @ self.W2.T).sum(axis=0)}


def raising(*args: Any) -> Any:
    if len(args[1]) > 2:
        return MODULES["train"].training_step(*args)
    raise ValueError("operands could not be broadcast")


NEGATED = student("train", training_step=partial(step, lambda grad, _: -grad))


@pytest.mark.parametrize(
    ("modules", "wrong"),
    [
        (NEGATED, "training_step is wrong (item 4.1)"),
        (student("two_layer_net", TwoLayerNet=ZeroFirst), "TwoLayerNet.__init__ is wrong (item 3.1)"),
        (student("two_layer_net", TwoLayerNet=Unmasked), "TwoLayerNet.backward is wrong (item 3.1)"),
        (NEGATED | student("layers", softmax_loss=lambda x, y: (0.0, x)), "softmax_loss is wrong (item 2.3)"),
    ],
)
def test_a_run_that_fails_by_what_is_below_is_told_so_and_nothing_of_its_settings(modules, wrong):
    said = judge(task4_models.best_model, [0.1], modules=modules).error
    assert said == f"validation accuracy is 10.00%; at least 40% is required. Your {wrong}: fix that first"


def test_a_layer_that_the_network_does_not_train_with_is_no_cause():
    said = judge(task4_models.best_model, [0.1], modules=student("layers", softmax_loss=lambda x, y: (0.0, x))).error
    assert "chance level" in said
    assert "fix that first" not in said


def test_a_run_that_raises_by_what_is_below_is_told_so():
    modules = student("train", training_step=raising) | student("layers", fc_backward=lambda grad, cache: (grad,) * 3)
    hw = FakeSubject([0.1], modules=modules)
    with pytest.raises(Raised, match="broadcast"):
        task4_models.best_model(hw, np.random.default_rng(0))
    modules |= student("train", training_step=lambda *args: raising(args[0], ()))
    hw = FakeSubject([0.1], modules=modules)
    with pytest.raises(Raised, match=r"broadcast. Your fc_backward is wrong \(item 2.1\): fix that first"):
        task4_models.best_model(hw, np.random.default_rng(0))


@pytest.mark.parametrize("change", [lambda grad, _: 0 * grad, lambda grad, _: -grad, lambda grad, _: grad * np.nan])
def test_what_was_not_learned_by_gradients_earns_nothing_until_a_person_has_looked(change):
    for check in (task4_models.best_model, task4_models.overfit_model):
        hw = judge(check, [0.9], modules=student("train", training_step=partial(step, change)))
        assert "does not come from the gradients of training_step" in hw.error
        assert "how did the network learn?" in hw.questions[0]


@pytest.mark.parametrize("change", [lambda grad, value: grad - 0.1 * value, lambda grad, _: 7 * grad])
def test_a_mistake_in_a_part_of_the_gradients_takes_nothing_from_a_run(change):
    hw = judge(task4_models.best_model, [0.9], modules=student("train", training_step=partial(step, change)))
    assert (hw.error, hw.questions) == (None, [])


def test_gradients_that_cannot_be_asked_are_left_to_a_person():
    hw = judge(task4_models.best_model, [0.9], modules=student("train", training_step=lambda *args: (1.0, {"W": 1.0})))
    assert hw.error is None
    assert (
        "could not test whether training_step returns gradients: training_step returned no gradient for"
        in hw.questions[0]
    )


def test_unreadable_hyperparameters_are_named_with_their_line():
    source = ONE_SETTING.replace("    reg = 0.001\n", "    reg = args.reg\n").encode()
    hw = judge(task4_models.best_model, [(0.5, 0.5)], source=source)
    assert hw.orders[0]["settings"] == {}
    assert "reg is not a constant (train.py:7)" in hw.advice[0]
    assert "no function main" in judge(task4_models.best_model, source=b"x = 1\n").error


def test_weights_become_bytes_with_grey_for_zero():
    weights = np.zeros((3072, 2))
    weights[0, 0], weights[1024, 0] = 2.0, -2.0  # the first pixel: red is high, green is low
    images = task4_models.images_of(weights, "best")["images"]
    first, second = (base64.b64decode(image) for image in images)
    assert tuple(first[:3]) == (255, 0, 128)
    assert set(second) == {128}
    assert len(first) == 3072


def test_a_curve_is_thinned_and_holds_nothing_that_json_lacks():
    drawn = task4_models.curves(outcome((0.3, 0.31), losses=[2.0] * 4999 + [math.nan]), VALIDATION)
    assert len(drawn["losses"]) == len(drawn["steps"]) == curves.POINTS
    assert drawn["steps"][-1] == 5000
    assert drawn["losses"][-1] is None


def test_predictions_that_do_not_follow_from_the_parameters_earn_nothing_until_a_person_has_looked(monkeypatch):
    """A table of the labels does as well as any network, and so does another network."""
    monkeypatch.setattr(trained_network.Network, "predict", lambda self, X: np.zeros(len(X), int))
    for check, of in ((task4_models.overfit_model, "training"), (task4_models.best_model, "validation")):
        hw = judge(check, [0.9])
        assert re.search(f"the {of} accuracy of 90.0% does not come from the network", hw.error)
        assert "do not follow from its parameters" in hw.questions[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"table": np.ones(5, np.float32)},
        {"middle": np.ones((2, 2), np.float32)},
        {"a": np.ones((3072, 3), np.float32)},
    ],
)
def test_parameters_of_other_shapes_are_a_question_and_no_forgery(monkeypatch, changed):
    """They earn nothing, and lose nothing, until a person has looked; of where they come from nothing is said."""
    monkeypatch.setattr(trained_network.Network, "predict", lambda self, X: np.zeros(len(X), int))
    hw = FakeSubject([0.9])
    hw.session.network = NETWORK | changed
    with pytest.raises(Skipped, match=r"has the shapes .*a person will look"):
        task4_models.best_model(hw, np.random.default_rng(0))
    assert "with which the grader cannot predict itself" in hw.questions[0]
