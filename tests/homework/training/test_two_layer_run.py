"""Training runs from the grader's side: judged by labels that stay here, cut, and repeated."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.errors import Crashed, Mismatch, NotImplementedYet, Raised, TimedOut
from grader.homework.training import loop, trained_network, two_layer_run, words
from grader.homework.training.hyperparameters import NAMES, Hyperparameters, Unreadable
from grader.homework.training.loop import End
from grader.homework.training.two_layer_run import TRAIN, VALIDATION, Outcome

sys.path.insert(0, str(Path(__file__).parent))
from fake_training import BEST, DEFAULTS, IMAGES, LONG, NETWORK, SETTINGS, SHAPES, FakeSubject, FakeTraining, run

pytestmark = pytest.mark.usefixtures("predictions_follow")


OWN_MAIN = Hyperparameters({}, dict.fromkeys(NAMES, Unreadable(3, "is assigned in a loop")))


# What is sent


def test_labels_of_validation_stay_here_and_the_training_images_are_the_handouts():
    _, hw = run([0.5])
    (arrays,), (order,) = hw.session.arrays, hw.orders
    assert set(arrays) == {"X", "y", "validation"}
    drawn = np.random.default_rng(442).permutation(6000)
    public = IMAGES.train_y[drawn[:100]]
    pairs = set(zip(public.tolist(), arrays["y"].tolist(), strict=True))
    assert len(pairs) == len(set(public)) == len({new for _, new in pairs})  # the classes have other numbers
    assert (arrays["y"] != public).mean() > 0.5
    assert arrays["validation"].shape == (5000, 3072)
    assert order["settings"] == SETTINGS
    assert order["seed"] == 11
    assert order["sample"] == 100


def test_neither_validation_images_nor_class_numbers_are_the_public_ones():
    """Two submissions have others, and one submission has the same in both of its runs."""
    x = np.arange(6000)[:, None]
    images = SimpleNamespace(train_x=x, train_y=IMAGES.train_y)
    (one, labels, _), (again, _, _), (other, others, _) = (
        two_layer_run.split(images, SETTINGS, BEST, secret) for secret in (1, 1, 2)
    )
    np.testing.assert_array_equal(one["validation"], again["validation"])
    assert (one["validation"] != other["validation"]).mean() > 0.9
    assert (one["y"] != other["y"]).mean() > 0.5
    assert not set(one["validation"].ravel()) & set(one["X"].ravel())
    for arrays, known in ((one, labels), (other, others)):
        to = dict(zip(IMAGES.train_y[arrays["X"].ravel()], arrays["y"], strict=True))
        public = IMAGES.train_y[arrays["validation"].ravel()]
        assert [to[label] for label in public] == known[VALIDATION].tolist()


def test_the_networks_own_predictions_count_to_the_last_image(monkeypatch):
    """predict may not mend the tenth that the parameters need not explain."""

    def own(network, X):
        found = FakeTraining.told[len(X)].copy()
        found[: len(X) // 20] = (found[: len(X) // 20] + 1) % 10
        return found

    monkeypatch.setattr(trained_network.Network, "predict", own)
    outcome, _ = run([0.42])
    assert outcome.follows == {VALIDATION: 0.95}
    assert outcome.best(VALIDATION) == pytest.approx(0.37)
    assert not outcome.cleared(VALIDATION)
    assert outcome.said == {VALIDATION: 0.42}


def test_an_overfit_model_glances_at_validation_only():
    _, hw = run([0.9], bars={TRAIN: 0.75})
    assert len(hw.session.arrays[0]["validation"]) == 1000


def test_an_unreadable_place_trains_on_what_there_is_with_no_settings():
    shown = {VALIDATION: 0.5, TRAIN: 0.5, "settings": {"reg": 0.1, "bad": 3, "hidden_dim": "x"}}
    outcome, hw = run([shown], found=OWN_MAIN)
    assert hw.orders[0]["settings"] == {}
    assert len(hw.session.arrays[0]["X"]) == 1000
    assert outcome.hyperparameters == {"reg": 0.1}


@pytest.mark.parametrize(
    ("name", "value"), [("hidden_dim", 12.5), ("num_epochs", 0), ("batch_size", -1), ("num_train", 0)]
)
def test_numbers_that_nothing_can_be_trained_with_are_named(name, value):
    with pytest.raises(Mismatch, match=f"{name} is {value}"):
        run([0.5], found=Hyperparameters(SETTINGS | {name: value}, {}))


def test_whole_floats_are_whole_numbers_and_too_many_images_are_cut():
    outcome, hw = run([0.5], found=Hyperparameters(SETTINGS | {"num_train": 1e6, "hidden_dim": 50.0}, {}))
    assert outcome.hyperparameters["num_train"] == 1000
    assert type(outcome.hyperparameters["hidden_dim"]) is int
    assert "num_train is 1000000, but only 1000" in hw.advice[0]


# When a run ends


def test_a_run_stops_when_the_bar_is_cleared():
    outcome, hw = run([0.2, 0.4, 0.9])
    assert (outcome.end, len(outcome.epochs), outcome.best(VALIDATION)) == (End.CLEARED, 2, 0.4)
    assert len(hw.orders) == 1
    assert hw.session.renewed == 1


def test_a_full_run_goes_on_to_its_end():
    outcome, _ = run([0.2, 0.5, 0.3], full=True)
    assert (outcome.end, len(outcome.epochs), outcome.best(VALIDATION)) == (End.FINISHED, 3, 0.5)


def test_a_step_may_take_many_times_what_right_code_takes_and_less_once_one_was_stopped(monkeypatch):
    asked, tell = [], FakeTraining.tell

    def noted(self, what, *args, silent=math.inf, **options):
        asked.extend([silent] if what == "advance" else [])
        return tell(self, what, *args, **options)

    monkeypatch.setattr(FakeTraining, "tell", noted)
    hw = FakeSubject([TimedOut("the training run used 3 s of processor time and was stopped")], [0.2, 0.5])
    first, second = (
        two_layer_run.TwoLayerLearner(hw, dict(SETTINGS), (), Outcome(1, BEST, dict(SETTINGS))) for _ in range(2)
    )
    loop.train(hw, first, 25.0)
    loop.train(hw, second, 25.0)
    numbers = second.watched.arrays["X"].shape[1]
    step = 6 * SETTINGS["batch_size"] * numbers * SETTINGS["hidden_dim"] / two_layer_run.SPEED
    scaling = SETTINGS["num_train"] * numbers / two_layer_run.SCALED
    assert asked[:3] == pytest.approx([3 + step + scaling, 1 + step + scaling, 1 + step])
    assert two_layer_run.TwoLayerLearner(hw, {}, (), Outcome(1, BEST, {})).silent() == math.inf  # an own main
    hw.session.parts = object()  # the grader answers
    assert second.silent() == math.inf


def test_a_run_that_was_stopped_by_another_limit_takes_no_time_of_later_steps():
    hw = FakeSubject([TimedOut("the training run was stopped: the 60 s for the whole check were used up")], [0.2, 0.5])
    with pytest.raises(TimedOut):
        two_layer_run.train(hw, SETTINGS, (), BEST, 11)
    assert two_layer_run.TwoLayerLearner(hw, dict(SETTINGS), (), Outcome(1, BEST, dict(SETTINGS))).stopped == []
    assert hw.questions == []


def test_a_run_that_was_stopped_sooner_than_a_call_is_a_question():
    hw = FakeSubject([TimedOut("the training run used 3 s of processor time and was stopped")])
    with pytest.raises(TimedOut):
        two_layer_run.train(hw, SETTINGS, (), BEST, 11)
    assert "does it end?" in hw.questions[0]
    long = FakeSubject([TimedOut("the training run used 3 s of processor time and was stopped")])
    with pytest.raises(TimedOut):
        two_layer_run.train(long, SETTINGS | {"hidden_dim": 10**6}, (), BEST, 11)
    assert long.questions == []


def test_a_budget_ends_a_run_and_it_is_judged_as_it_stands():
    outcome, _ = run([0.1, 0.1, {}, {}, {}], budget=5)
    assert outcome.end is End.BUDGET
    assert outcome.cpu == 5
    assert len(outcome.epochs) == 3
    assert outcome.best(VALIDATION) == 0.3


def test_a_run_that_is_cut_where_an_epoch_ends_is_not_judged_twice():
    outcome, _ = run([0.1] * 50, budget=5)
    assert (outcome.end, len(outcome.epochs), outcome.best(VALIDATION)) == (End.BUDGET, 5, 0.1)
    outcome, _ = run([0.1] * SETTINGS["num_epochs"], budget=SETTINGS["num_epochs"])
    assert (outcome.end, len(outcome.epochs)) == (End.FINISHED, SETTINGS["num_epochs"])


def falling(*accuracies: float) -> list[dict[str, Any]]:
    """Epochs of a run whose loss falls all the way."""
    return [
        {VALIDATION: accuracy, TRAIN: accuracy, "losses": np.linspace(2 - 0.1 * at, 1.9 - 0.1 * at, 10)}
        for at, accuracy in enumerate(accuracies)
    ]


def test_a_run_goes_on_while_it_learns_before_points_are_lost():
    slow = [0.1, 0.2, 0.3, 0.35, 0.38, 0.41]
    outcome, _ = run(falling(*slow), budget=100, least=300, found=LONG)
    assert (outcome.end, outcome.cpu, outcome.best(VALIDATION)) == (End.CLEARED, 6, 0.41)
    outcome, _ = run(falling(*[0.2] * 50), budget=8, least=300, found=LONG)
    assert (outcome.end, outcome.cpu) == (End.BUDGET, 8)
    flat, _ = run([0.1] * 50, budget=100, least=6 * 128, found=LONG)
    assert (flat.end, flat.cpu) == (End.STALLED, 3)  # of two steps each
    whole, _ = run([0.1] * 50, budget=8, least=6 * 128, full=True, found=LONG)
    assert (whole.end, whole.cpu) == (End.BUDGET, 8)


@pytest.mark.parametrize("step", [1.0, 2.0, 4.0])
def test_on_a_slower_machine_a_run_ends_after_the_same_steps(step):
    """What was learned after so many steps decides, and no second does."""
    for accuracies in ([0.1, 0.2, 0.3, 0.35, 0.38, 0.41], [0.1, 0.2, *[0.25] * 40]):
        epochs = [epoch | {"cpu": step, "losses": np.full(10, 1.0)} for epoch in falling(*accuracies)]
        outcome, _ = run(epochs, budget=1000, least=30 * 128, found=LONG)
        end, steps = (End.CLEARED, 60) if 0.41 in accuracies else (End.STALLED, 40)
        assert (outcome.end, len(outcome.losses), outcome.cpu) == (end, steps, step * steps / 10)


def test_a_network_that_knows_its_images_by_heart_is_not_waited_for():
    """An overfit setting is seen not to be the best one after a few epochs, however long its loss goes on to fall."""
    epochs = [epoch | {VALIDATION: 0.3, TRAIN: 0.95} for epoch in falling(*[0.3] * 50)]
    outcome, _ = run(epochs, budget=1000, found=LONG)
    assert (outcome.end, len(outcome.epochs)) == (End.STALLED, two_layer_run.MOST_EPOCHS)


def test_a_run_that_has_cleared_one_of_two_bars_gets_no_longer():
    outcome, _ = run(falling(*[0.45] * 50), bars={VALIDATION: 0.4, TRAIN: 0.75}, budget=100, least=25 * 128, found=LONG)
    assert (outcome.end, outcome.cpu) == (End.STALLED, 3)


def test_a_run_that_sleeps_is_cut(monkeypatch):
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(loop.time, "monotonic", lambda: next(clock))
    outcome, _ = run([{"cpu": 0.01}] * 50)
    assert outcome.end is End.ASLEEP
    assert "does your code wait?" in " ".join(words.why(outcome, VALIDATION, DEFAULTS))


def test_an_explosion_ends_a_run():
    outcome, _ = run([0.1, {"losses": [math.nan], "ended": True, "exploded": True}])
    assert outcome.end is End.DIVERGED
    said = " ".join(words.why(outcome, VALIDATION, DEFAULTS))
    assert "became nan after 3 steps" in said
    assert "learning_rate 0.05 is probably too high" in said


def test_a_call_that_hangs_costs_nothing_that_was_judged_before():
    outcome, hw = run([0.39, TimedOut("hangs")], [0.1])
    assert outcome.end is End.BUDGET
    assert outcome.best(VALIDATION) == 0.39
    with pytest.raises(TimedOut, match="hangs"):
        run([TimedOut("hangs")])
    assert hw.session.renewed == 2


def test_what_the_students_code_raises_is_raised_but_after_an_own_mains_training():
    with pytest.raises(Raised, match="boom"):
        run([0.1, Raised("boom")])
    unreadable = Hyperparameters({}, {"reg": Unreadable(1, "is assigned in a loop")})
    outcome, _ = run([0.1, Raised("boom")], found=unreadable)
    assert (outcome.end, outcome.error.message) == (End.RAISED, "boom")
    with pytest.raises(Raised, match="boom"):
        run([Raised("boom")], found=unreadable)


EMPTY = {"losses": np.ones(1), "ended": False, "exploded": False, "wrote": [], "settings": {}, "predictions": {}}
SHORT = {VALIDATION: np.zeros(3), TRAIN: np.zeros(100)}


@pytest.mark.parametrize(
    "reply",
    [
        None,
        3,
        {},
        {"losses": "x"},
        EMPTY | {"settings": 3},
        EMPTY | {"losses": {"a": 1}},
        EMPTY | {"losses": np.ones((2, 2))},
        EMPTY | {"losses": np.ones(3, complex)},
        EMPTY | {"losses": np.ones(two_layer_run.MOST_STEPS + 1)},
        EMPTY | {"predictions": SHORT},
        EMPTY | {"predictions": {VALIDATION: 1.0}},
    ],
)
def test_a_reply_that_is_none_is_a_crash(reply):
    labels = {VALIDATION: np.zeros(5000, np.int64), TRAIN: np.zeros(100, np.int64)}
    with pytest.raises(Crashed, match="channel"):
        two_layer_run.take(Outcome(1, BEST, {}), reply, labels)


# The rule of the second run


@pytest.mark.parametrize(
    ("scripts", "seeds", "best"),
    [
        (([0.381], [0.41]), (11, 12), 0.41),
        (([0.39], [0.30]), (11, 12), 0.39),
        (([0.38], [0.39]), (11, 12), 0.39),  # exactly two points below counts as near
        (([0.379], [0.9]), (11,), 0.379),
        (([0.4], [0.9]), (11,), 0.4),
    ],
)
def test_a_near_miss_is_repeated_once_and_the_better_run_counts(scripts, seeds, best):
    outcome, hw = run(*scripts)
    assert tuple(order["seed"] for order in hw.orders) == seeds
    assert outcome.best(VALIDATION) == pytest.approx(best)
    told = [line for line in hw.advice if "trained twice" in line]
    assert len(told) == len(seeds) - 1
    assert all("seeds 11 and 12" in line for line in told)


def test_with_two_bars_a_miss_of_either_is_near_unless_one_is_cleared():
    both = {VALIDATION: 0.4, TRAIN: 0.75}
    assert len(run([(0.1, 0.74)], [(0.1, 0.1)], bars=both)[1].orders) == 2
    assert len(run([(0.39, 0.8)], [(0.1, 0.1)], bars=both)[1].orders) == 1


# Stubs


def test_stubs_are_told_before_any_data_are_read():
    hw = FakeSubject()
    hw.images = None
    net = SimpleNamespace(parameters=lambda: None)
    hw.two_layer_net = SimpleNamespace(TwoLayerNet=SimpleNamespace(then=lambda method: lambda *sizes: (net, None)))
    with pytest.raises(NotImplementedYet):
        two_layer_run.probe(hw, np.random.default_rng(0))
    hw = FakeSubject()
    hw.train = SimpleNamespace(training_step=lambda *args: (None, None))
    with pytest.raises(NotImplementedYet):
        two_layer_run.probe(hw, np.random.default_rng(0))


# The network


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"a": NETWORK["a"]},
        NETWORK | {"a": np.full((3072, 2), np.nan, np.float32)},
        NETWORK | {"a": np.ones((3072, 2), np.int8)},
        NETWORK | {"e": 3},
        {name: np.ones([9000 if side == 2 else side for side in shape], np.float32) for name, shape in SHAPES.items()},
    ],
)
def test_parameters_of_another_network_are_none(given):
    assert trained_network.Network.of(given) is None


def test_of_two_biases_of_one_shape_the_first_is_the_first_layers():
    sizes = {"w1": (3072, 10), "b1": (10,), "w2": (10, 10), "b2": (10,)}
    given = {name: np.full(shape, at, np.float32) for at, (name, shape) in enumerate(sizes.items())}
    net = trained_network.Network.of(given)
    assert (net.bias1[0], net.weight2[0, 0], net.bias2[0]) == (1, 2, 3)


def test_what_a_network_predicts_is_worked_out_here(monkeypatch):
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in ((3072, 5), (5,), (5, 10), (10,))]
    net = trained_network.Network.of(dict(zip("dbca", arrays, strict=True)))
    X = rng.integers(256, size=(50, 3072), dtype=np.uint8)
    right = (np.maximum(X / 255 @ arrays[0] + arrays[1], 0) @ arrays[2] + arrays[3]).argmax(axis=1)
    np.testing.assert_array_equal(net.predict(X), right)


def test_it_is_the_best_epoch_that_has_to_follow_from_the_network(monkeypatch):
    asked = []
    right = trained_network.Network.predict
    monkeypatch.setattr(trained_network.Network, "predict", lambda self, X: asked.append(len(X)) or right(self, X))
    outcome, _ = run([0.5, 0.6, 0.45], full=True)
    assert (outcome.follows, asked) == ({VALIDATION: 1.0}, [5000] * 4)
    assert run([0.2, 0.3])[0].follows == {}  # nothing to prove


def test_numbers_that_cannot_be_told_are_no_settings():
    for value in (10**400, math.inf, math.nan, True, "x", None):
        assert not two_layer_run.plain("reg", value)
    assert two_layer_run.plain("reg", 0.5)
    for value in (1e-308, 0, -5, 0.5):
        assert not two_layer_run.plain("num_epochs", value)


def test_an_own_main_that_runs_longer_than_it_said_fills_the_bar_and_no_more():
    shown = {VALIDATION: 0.1, TRAIN: 0.1, "settings": {"num_epochs": 1, "num_train": -3, "batch_size": 1e-308}}
    outcome, hw = run([shown] * 3, found=OWN_MAIN)
    assert outcome.hyperparameters == {"num_epochs": 1}
    assert hw.lines[-1].startswith(f"[{'#' * 20}] epoch 3 of 1")


def test_an_own_main_is_judged_on_the_images_that_it_trains_on(monkeypatch):
    """It is sent all there are, and says only while it runs how many it wants: 40 of 1000 are right, of its 50 most."""
    shown = {VALIDATION: 0.1, TRAIN: 0.04, "settings": {"num_train": 50}}
    asked = []
    monkeypatch.setattr(trained_network.Network, "predict", lambda self, X: asked.append(len(X)) or np.zeros(len(X)))
    outcome, _ = run([shown], found=OWN_MAIN, bars={TRAIN: 0.75})
    assert (outcome.best(TRAIN), set(asked)) == (0.8, {50})


@pytest.mark.parametrize(
    ("knew", "knows", "goes_on"),
    [
        ([0.31, 0.34, 0.38, 0.42], [0.1], False),
        ([0.29, 0.34, 0.38, 0.42], [0.1], True),  # the one with gradients knew little by then, too
        ([0.29, 0.32, 0.36, 0.40], [0.1], True),  # and gains little afterwards
        ([0.29, 0.34, 0.38, 0.42], [0.1, 0.1], False),
        ([0.31, 0.34, 0.38, 0.42], [0.1, 0.15], True),  # it learns without
        ([0.31, 0.34, 0.38, 0.42], [0.15, 0.1], False),  # one of many epochs has luck
        ([0.31, 0.34, 0.38, 0.42], [], True),
        ([0.31, 0.32, 0.33, 0.42], [0.1, 0.1], True),  # the last epoch gained much: by something else?
        ([0.28, 0.31, 0.34, 0.38], [0.1, 0.1], False),
    ],
)
def test_a_run_with_noise_for_gradients_ends_where_it_is_clear_that_it_learns_nothing(knew, knows, goes_on):
    def of(accuracies: list[float], steps: int) -> Outcome:
        epochs = [two_layer_run.Epoch(10 * at, {VALIDATION: one, TRAIN: 0.1}) for at, one in enumerate(accuracies, 1)]
        return Outcome(1, BEST, {}, losses=[1.0] * steps, epochs=epochs)

    hw = run([{VALIDATION: 0.1, TRAIN: 0.1, "settings": {}}], found=OWN_MAIN)[1]
    again = two_layer_run.TwoLayerLearner(hw, {}, (), of(knows, 10 * len(knows) or 5), of(knew, 40))
    assert again.learns() is goes_on


def test_a_main_that_clears_its_bar_runs_once_more_with_noise_for_gradients():
    """As many steps as before; whoever waits is told so. One that clears none has shown nothing to doubt."""
    outcome, hw = run([{VALIDATION: 0.5, TRAIN: 0.5, "settings": {}}], found=OWN_MAIN)
    assert [order["untaught"] is not None for order in hw.orders] == [False, True]
    assert outcome.untaught == {VALIDATION: 0.0}
    again = two_layer_run.TwoLayerLearner(hw, {}, (), Outcome(1, BEST, {}), outcome)
    assert again.progress().startswith("once more, with noise for gradients")
    again.outcome.losses = outcome.losses
    assert not again.learns()
    assert len(run([{VALIDATION: 0.1, TRAIN: 0.1, "settings": {}}], found=OWN_MAIN)[1].orders) == 1
