"""Training runs from the grader's side: judged by labels that stay here, cut, repeated, and told about."""

from __future__ import annotations

import base64
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from grader.errors import Crashed, Mismatch, NotImplementedYet, Raised, TimedOut
from grader.homework import curves, task4_runs, training_run, training_words
from grader.homework.training_run import TRAIN, VALIDATION, End, Epoch, Outcome
from grader.hyperparameters import NAMES, Place, Unreadable
from grader.model import Figure, Measure

sys.path.insert(0, str(Path(__file__).parent))
import fake

ROOT = Path(__file__).resolve().parents[2]
LAYERS = fake.modules(ROOT / "reference")["layers"]
HANDOUT = (ROOT / "reference" / "neuralnet" / "train.py").read_bytes()
DEFAULTS = {
    "num_train": 20000, "hidden_dim": 16, "batch_size": 128, "num_epochs": 10, "learning_rate": 1e-4, "reg": 1.0,
}  # fmt: skip
SETTINGS = DEFAULTS | {"num_train": 100, "num_epochs": 3, "learning_rate": 0.05, "reg": 1e-3, "hidden_dim": 50}
PLACE = Place(SETTINGS, {})
LONG = Place(SETTINGS | {"num_epochs": 60}, {})
ONE_SETTING = "def main(args):\n" + "".join(f"    {name} = {SETTINGS[name]}\n" for name in NAMES)
ONE_SETTING += "    use(num_train, hidden_dim, batch_size, num_epochs, learning_rate, reg)\n"
IMAGES = SimpleNamespace(
    name="CIFAR-10",
    source="a test's",
    stand_in=False,
    train_x=np.zeros((6000, 3072), np.uint8),
    train_y=np.random.default_rng(0).integers(10, size=6000),
)


class FakeTraining:
    """Replies as a student's process would, one epoch each: predictions that are right in a given share."""

    told: ClassVar[dict[int, Any]] = {}  # by how many they are: of validation 1000 or 5000, of training 100 or 500

    def __init__(self, script: list[Any], order: dict[str, Any], labels: dict[str, Any]) -> None:
        self.script, self.order, self.labels, self.cpu = list(script), order, labels, 0.0

    def advance(self, seconds: float) -> Any:
        step = self.script.pop(0) if self.script else {"ended": True}
        if isinstance(step, Exception):
            raise step
        return self.reply(step)

    def reply(self, step: Any) -> Any:
        if not isinstance(step, dict):
            step = dict(zip((VALIDATION, TRAIN), (step, step) if isinstance(step, float) else step, strict=True))
        self.cpu += step.get("cpu", 1.0)
        shares = {of: step[of] for of in self.labels if of in step}
        predicted = {of: predictions(self.labels[of], share) for of, share in shares.items()}
        FakeTraining.told |= {len(found): found for found in predicted.values()}
        return {
            "losses": np.array(step.get("losses", [1.0, 0.9])),
            "predictions": predicted,
            "ended": step.get("ended", False),
            "exploded": step.get("exploded", False),
            "wrote": step.get("wrote", []),
            "settings": step.get("settings", self.order["settings"]),
        }

    def judge(self) -> Any:
        return self.reply({VALIDATION: 0.3, TRAIN: 0.3, "cpu": 0.0, "losses": []})

    def parameters(self) -> Any:
        return self.order["network"]

    def used(self) -> float:
        return self.cpu


def predictions(labels: Any, share: float) -> Any:
    """Classes of which exactly this share is right, rounded."""
    found = labels.copy()
    found[round(share * len(labels)) :] += 1
    return found


SHAPES = {"a": (3072, 2), "b": (2,), "c": (2, 10), "d": (10,)}
NETWORK = {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}


@pytest.fixture(autouse=True)
def _follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions follow from the network unless a test says otherwise: they are those that were told last."""
    monkeypatch.setattr(training_run.Network, "predict", lambda self, X: FakeTraining.told[len(X)])


class FakeSession:
    """A session that follows scripts, one for each run."""

    def __init__(self, scripts: tuple[Any, ...]) -> None:
        self.scripts, self.renewed = list(scripts), 0
        self.network: dict[str, Any] = NETWORK
        self.orders: list[Any] = []
        self.arrays: list[Any] = []

    def train(self, order: Any, arrays: Any, key: str, seconds: float) -> FakeTraining:
        self.orders.append(order)
        self.arrays.append(arrays)
        count = len(arrays["X"])
        labels = IMAGES.train_y[np.random.default_rng(442).permutation(6000)]
        split = {VALIDATION: labels[count : count + len(arrays["validation"])], TRAIN: labels[: order["sample"]]}
        return FakeTraining(self.scripts.pop(0), order | {"network": self.network}, split)

    def renew(self) -> None:
        self.renewed += 1


class FakeSubject:
    """`hw` of an item of Task 4 whose student's process follows scripts."""

    def __init__(
        self, *scripts: Any, source: bytes = HANDOUT, full: bool = False, budget: float = 25.0, longer: float = 0.0
    ) -> None:
        self.session = FakeSession(scripts)
        self.layers, self.reference = LAYERS, SimpleNamespace(layers=LAYERS)
        self.settings = {"accuracy": 0.4, "budget": budget, "long_budget": longer or budget}
        self.data, self.full, self.kept = IMAGES, full, {}
        self.measures: list[Measure] = []
        self.advice: list[str] = []
        self.questions: list[str] = []
        self.figures: list[Figure] = []
        self.lines: list[str] = []
        self.error: str | None = None
        self.source = lambda name: source
        self.handed_out = lambda name: ONE_SETTING.replace("0.05", "0.0001").encode()
        self.two_layer_net = SimpleNamespace(TwoLayerNet=lambda *sizes: SimpleNamespace(parameters=lambda: {"W": 1}))
        self.train = SimpleNamespace(training_step=lambda *args: (1.0, {}))
        self.measure, self.advise, self.review = self.measures.append, self.advice.append, self.questions.append
        self.draw, self.progress = self.figures.append, self.lines.append

    @property
    def orders(self) -> list[Any]:
        return self.session.orders

    def settings_of(self, item: str) -> dict[str, float]:
        return {"4.2": {"accuracy": 0.4}, "4.3": {"accuracy": 0.75}}[item]


BEST = {VALIDATION: 0.4}


def run(*scripts: Any, bars: Any = BEST, place: Place = PLACE, **options: Any) -> tuple[Outcome, FakeSubject]:
    hw = FakeSubject(*scripts, **options)
    return training_run.runs(hw, place, (), bars, (11, 12)), hw


# What is sent


def test_labels_of_validation_stay_here_and_the_split_is_the_handouts():
    _, hw = run([0.5])
    (arrays,), (order,) = hw.session.arrays, hw.orders
    assert set(arrays) == {"X", "y", "validation"}
    drawn = np.random.default_rng(442).permutation(6000)
    np.testing.assert_array_equal(arrays["y"], IMAGES.train_y[drawn[:100]])
    assert arrays["validation"].shape == (5000, 3072)
    assert order["settings"] == SETTINGS
    assert order["seed"] == 11
    assert order["sample"] == 100


def test_an_overfit_model_glances_at_validation_only():
    _, hw = run([0.9], bars={TRAIN: 0.75})
    assert len(hw.session.arrays[0]["validation"]) == 1000


def test_an_unreadable_place_trains_on_what_there_is_with_no_settings():
    place = Place({}, dict.fromkeys(NAMES, Unreadable(3, "is assigned in a loop")))
    outcome, hw = run(
        [{VALIDATION: 0.5, TRAIN: 0.5, "settings": {"reg": 0.1, "bad": 3, "hidden_dim": "x"}}], place=place
    )
    assert hw.orders[0]["settings"] == {}
    assert len(hw.session.arrays[0]["X"]) == 1000
    assert outcome.settings == {"reg": 0.1}


@pytest.mark.parametrize(
    ("name", "value"), [("hidden_dim", 12.5), ("num_epochs", 0), ("batch_size", -1), ("num_train", 0)]
)
def test_numbers_that_nothing_can_be_trained_with_are_named(name, value):
    with pytest.raises(Mismatch, match=f"{name} is {value}"):
        run([0.5], place=Place(SETTINGS | {name: value}, {}))


def test_whole_floats_are_whole_numbers_and_too_many_images_are_cut():
    outcome, hw = run([0.5], place=Place(SETTINGS | {"num_train": 1e6, "hidden_dim": 50.0}, {}))
    assert outcome.settings["num_train"] == 1000
    assert type(outcome.settings["hidden_dim"]) is int
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


def test_a_run_that_still_learns_gets_the_long_budget_before_points_are_lost():
    slow = [0.1, 0.2, 0.3, 0.35, 0.38, 0.41]
    outcome, _ = run(falling(*slow), budget=3, longer=100, place=LONG)
    assert (outcome.end, outcome.cpu, outcome.best(VALIDATION)) == (End.CLEARED, 6, 0.41)
    outcome, _ = run(falling(*[0.2] * 50), budget=3, longer=8, place=LONG)
    assert (outcome.end, outcome.cpu) == (End.BUDGET, 8)
    flat, _ = run([0.1] * 50, budget=3, longer=100, place=LONG)
    assert (flat.end, flat.cpu) == (End.BUDGET, 3)
    whole, _ = run([0.1] * 50, budget=3, longer=8, full=True, place=LONG)
    assert (whole.end, whole.cpu) == (End.BUDGET, 8)


def test_a_run_that_has_cleared_one_of_two_bars_gets_no_longer():
    outcome, _ = run(falling(*[0.45] * 50), bars={VALIDATION: 0.4, TRAIN: 0.75}, budget=3, longer=100, place=LONG)
    assert (outcome.end, outcome.cpu) == (End.BUDGET, 3)


def test_a_run_that_sleeps_is_cut(monkeypatch):
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(training_run.time, "monotonic", lambda: next(clock))
    outcome, _ = run([{"cpu": 0.01}] * 50)
    assert outcome.end is End.ASLEEP
    assert "wait for something" in training_words.why(outcome, VALIDATION, DEFAULTS)


def test_an_explosion_ends_a_run():
    outcome, _ = run([0.1, {"losses": [math.nan], "ended": True, "exploded": True}])
    assert outcome.end is End.DIVERGED
    said = training_words.why(outcome, VALIDATION, DEFAULTS)
    assert "became nan in epoch 2, after 3 steps" in said
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
    unreadable = Place({}, {"reg": Unreadable(1, "is assigned in a loop")})
    outcome, _ = run([0.1, Raised("boom")], place=unreadable)
    assert (outcome.end, outcome.error) == (End.RAISED, "boom")
    with pytest.raises(Raised, match="boom"):
        run([Raised("boom")], place=unreadable)


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
        EMPTY | {"losses": np.ones(training_run.MOST_STEPS + 1)},
        EMPTY | {"predictions": SHORT},
        EMPTY | {"predictions": {VALIDATION: 1.0}},
    ],
)
def test_a_reply_that_is_none_is_a_crash(reply):
    labels = {VALIDATION: np.zeros(5000, np.int64), TRAIN: np.zeros(100, np.int64)}
    with pytest.raises(Crashed, match="channel"):
        training_run.take(Outcome(1, BEST, {}), reply, labels)


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


# Stubs and the checks


def test_stubs_are_told_before_any_data_are_read():
    hw = FakeSubject()
    hw.data = None
    hw.two_layer_net = SimpleNamespace(TwoLayerNet=lambda *sizes: SimpleNamespace(parameters=lambda: None))
    with pytest.raises(NotImplementedYet):
        training_run.probe(hw, np.random.default_rng(0))
    hw = FakeSubject()
    hw.train = SimpleNamespace(training_step=lambda *args: (None, None))
    with pytest.raises(NotImplementedYet):
        training_run.probe(hw, np.random.default_rng(0))


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


# What is said


def outcome(*accuracies: tuple[float, float], **changed: Any) -> Outcome:
    epochs = [Epoch(2 * k, {VALIDATION: v, TRAIN: t}) for k, (v, t) in enumerate(accuracies, 1)]
    return replace(Outcome(1, BEST, dict(SETTINGS), losses=[1.0] * 40, epochs=epochs), **changed)


@pytest.mark.parametrize(
    ("given", "of", "sentence"),
    [
        (outcome((0.1, 0.1), settings=dict(DEFAULTS)), VALIDATION, "learning_rate 0.0001 (the handout's default)"),
        (outcome((0.1, 0.1), settings=DEFAULTS | {"reg": 0.5}), VALIDATION, "reg 0.5 pulls the weights back"),
        (outcome((0.1, 0.1), settings=SETTINGS | {"learning_rate": 2.0}), VALIDATION, "try a tenth"),
        (outcome((0.1, 0.1)), VALIDATION, "does training_step return the gradients"),
        (outcome((0.3, 0.6)), VALIDATION, "more images (num_train)"),
        (outcome((0.3, 0.31)), VALIDATION, "stopped falling"),
        (outcome((0.3, 0.31), losses=list(np.linspace(3, 1, 100))), VALIDATION, "still falling"),
        (
            outcome((0.3, 0.5), settings=SETTINGS | {"num_train": 9999}),
            TRAIN,
            "fewer images (num_train), set reg to 0 or",
        ),
        (outcome((0.3, 0.5), settings=SETTINGS | {"reg": 0}), TRAIN, "To overfit, train longer (num_epochs)."),
        (outcome((0.3, 0.3), wrote=("X_batch",)), VALIDATION, "Your training_step writes to X_batch"),
    ],
)
def test_why(given, of, sentence):
    assert sentence in training_words.why(given, of, DEFAULTS)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (outcome((0.3, 0.6)), "Overfitting"),
        (outcome((0.3, 0.31)), "Underfitting"),
        (outcome((0.55, 0.6)), "A fair fit"),
        (outcome((0.1, 0.1)), "Nothing was learned"),
        (outcome(), "No epoch ended"),
    ],
)
def test_the_fit_is_told(given, word):
    assert word in training_words.caption(given)


def test_a_curve_is_thinned_and_holds_nothing_that_json_lacks():
    drawn = task4_runs.curves(outcome((0.3, 0.31), losses=[2.0] * 4999 + [math.nan]), VALIDATION)
    assert len(drawn["losses"]) == len(drawn["steps"]) == curves.POINTS
    assert drawn["steps"][-1] == 5000
    assert drawn["losses"][-1] is None


def test_weights_become_bytes_with_grey_for_zero():
    weights = np.zeros((3072, 2))
    weights[0, 0], weights[1024, 0] = 2.0, -2.0  # the first pixel: red is high, green is low
    images = task4_runs.images_of(weights, "best")["images"]
    first, second = (base64.b64decode(image) for image in images)
    assert tuple(first[:3]) == (255, 0, 128)
    assert set(second) == {128}
    assert len(first) == 3072


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"a": NETWORK["a"]},
        NETWORK | {"a": np.full((3072, 2), np.nan, np.float32)},
        NETWORK | {"a": np.ones((3072, 2), np.int8)},
        NETWORK | {"e": 3},
        NETWORK | {"e": np.ones(1, np.float32)},
        {name: np.ones([9000 if side == 2 else side for side in shape], np.float32) for name, shape in SHAPES.items()},
    ],
)
def test_parameters_of_another_network_are_none(given):
    assert training_run.Network.of(given) is None


def test_of_two_biases_of_one_shape_the_first_is_the_first_layers():
    sizes = {"w1": (3072, 10), "b1": (10,), "w2": (10, 10), "b2": (10,)}
    given = {name: np.full(shape, at, np.float32) for at, (name, shape) in enumerate(sizes.items())}
    net = training_run.Network.of(given)
    assert (net.bias1[0], net.weight2[0, 0], net.bias2[0]) == (1, 2, 3)


def test_what_a_network_predicts_is_worked_out_here(monkeypatch):
    monkeypatch.undo()
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in ((3072, 5), (5,), (5, 10), (10,))]
    net = training_run.Network.of(dict(zip("dbca", arrays, strict=True)))
    X = rng.integers(256, size=(50, 3072), dtype=np.uint8)
    right = (np.maximum(X / 255 @ arrays[0] + arrays[1], 0) @ arrays[2] + arrays[3]).argmax(axis=1)
    np.testing.assert_array_equal(net.predict(X), right)


def test_predictions_that_do_not_follow_from_the_parameters_earn_nothing_until_a_person_has_looked(monkeypatch):
    """A table of the labels does as well as any network, and so does another network."""
    monkeypatch.setattr(training_run.Network, "predict", lambda self, X: np.zeros(len(X), int))
    for check, of in ((task4_runs.overfit_model, "training"), (task4_runs.best_model, "validation")):
        for network in (NETWORK, {**NETWORK, "table": np.ones(5, np.float32)}):
            hw = judge(check, [0.9], network=network)
            assert re.search(f"the {of} accuracy of 90.0% does not come from the network", hw.error)
            assert "do not follow from its parameters" in hw.questions[0]


def test_it_is_the_best_epoch_that_has_to_follow_from_the_network(monkeypatch):
    asked = []
    right = training_run.Network.predict
    monkeypatch.setattr(training_run.Network, "predict", lambda self, X: asked.append(len(X)) or right(self, X))
    outcome, _ = run([0.5, 0.6, 0.45], full=True)
    assert (outcome.follows, asked) == ({VALIDATION: 1.0}, [5000, 5000])
    assert run([0.2, 0.3])[0].follows == {}  # nothing to prove


def test_numbers_that_cannot_be_told_are_no_settings():
    for value in (10**400, math.inf, math.nan, True, "x", None):
        assert not training_run.plain(value)
    assert training_run.plain(0.5)
