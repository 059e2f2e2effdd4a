"""Task 4: networks and runs that do not learn here what they are given points for.

Each gets what it must: no points, or a question, and never points in silence. The images are of ten classes that a
network learns within seconds.
"""

from __future__ import annotations

import base64
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from grader.data.datasets import DataSet
from grader.grading import grade
from grader.loading import ROOT, load
from grader.model import CheckResult, Submission
from grader.sandbox.launch import Zygotes

sys.path.insert(0, str(Path(__file__).parent))
from bright import BRIGHT, made_up, quick

pytestmark = pytest.mark.medium

NEURALNET = ROOT / "reference" / "neuralnet"
FILES = {name: (NEURALNET / name).read_text(encoding="utf-8") for name in ("layers.py", "two_layer_net.py", "train.py")}
FEW = {"num_train": 400, "hidden_dim": 10, "batch_size": 20, "num_epochs": 5, "learning_rate": 0.3, "reg": 0.0}


HOMEWORK, IMAGES, WEIGHTS = quick(load(ROOT / "grader" / "homework")), made_up(), BRIGHT.T


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


def judged(
    launch: object, item: str, settings: dict[str, float], images: DataSet = IMAGES, **added: str
) -> CheckResult:
    """4.2 or 4.3 of the reference with these settings in both places, and with code at the end of its files."""
    files = {name: text + added.get(name.removesuffix(".py"), "") for name, text in FILES.items()}
    for name, value in settings.items():
        files["train.py"] = re.sub(rf"(?m)^        {name} = .*$", f"        {name} = {value}", files["train.py"])
    submission = Submission("s", {name: text.encode() for name, text in files.items()}, {}, "")
    report = grade(submission, HOMEWORK, seed=3, only=[item], launch=launch, data={"cifar10": images}.__getitem__)
    assert not report.faulty
    (check,) = report.checks
    return check


# A network that knows the public classes: what somebody trained elsewhere, brought along as text.
BROUGHT = f"""
import base64
import zlib


_begin = TwoLayerNet.__init__


def _brought(self, input_dim=3072, num_classes=10, hidden_dim=10, weight_scale=1e-3):
    _begin(self, input_dim, num_classes, hidden_dim, weight_scale)
    if input_dim != 3072:
        return
    self.W1 = np.frombuffer(zlib.decompress(base64.b64decode(TEXT)), np.float32).astype(float).reshape(3072, 10)
    self.W2 = np.eye(10)


TwoLayerNet.__init__ = _brought
TEXT = "{base64.b64encode(zlib.compress(WEIGHTS.astype(np.float32).tobytes())).decode()}"
"""


def test_weights_that_were_trained_elsewhere_earn_nothing(launch):
    assert ((IMAGES.train_x / 255 @ WEIGHTS).argmax(axis=1) == IMAGES.train_y).mean() > 0.99
    still = FEW | {"num_epochs": 1, "num_train": 20, "learning_rate": 1e-12}
    check = judged(launch, "4.2", still, two_layer_net=BROUGHT)
    assert check.earned == 0
    assert "at least 40% is required" in check.message


OPTIMIZES_IN_THE_STEP = """
_step = training_step


def training_step(model, X, y, reg):
    loss, grads = _step(model, X, y, reg)
    for name, value in model.parameters().items():
        value -= 0.3 * grads[name]
    return loss, grads
"""


@pytest.mark.slow
def test_an_optimizer_inside_training_step_is_undone_and_a_question(launch):
    still = FEW | {"learning_rate": 1e-12}
    check = judged(launch, "4.2", still, train=OPTIMIZES_IN_THE_STEP)
    assert check.earned == 0
    assert "code other than the optimizer changed the network's parameters" in check.review[0]
    beside = judged(launch, "4.2", FEW, train=OPTIMIZES_IN_THE_STEP)
    assert (beside.earned, len(beside.review)) == (5, 1)  # its own optimizer learns all the same


MENDS_A_TENTH = """
import sys

_predict, _known = TwoLayerNet.predict, {}


def _run():
    frame = sys._getframe()
    while frame is not None:
        found = frame.f_locals.get("self")
        if type(found).__name__ == "TrainRun":
            return found
        frame = frame.f_back


def predict(self, X):
    found, run = np.array(_predict(self, X)), _run()
    if run is not None:
        if not _known:
            _known.update((x.tobytes(), y) for x, y in zip(run.X, run.y))
        mended = 0
        for at, x in enumerate(np.round(X * 255).astype(np.uint8)):
            label = _known.get(x.tobytes(), found[at])
            if label != found[at] and mended < 0.095 * len(X):
                found[at], mended = label, mended + 1
    return found


TwoLayerNet.predict = predict
"""


def test_predict_that_mends_a_tenth_gets_what_its_network_gets_and_a_question(launch):
    """The labels lie in its own process. It may answer a tenth otherwise than its network does: none of that counts."""
    images = made_up(wrong=0.36)
    honest, mended = (judged(launch, "4.3", FEW, images, two_layer_net=added) for added in ("", MENDS_A_TENTH))
    assert (honest.earned, honest.review) == (0, ())
    assert mended.earned == 0
    expect_mended(mended, 0.75)


def expect_mended(check: CheckResult, bar: float) -> None:
    """A person is told what predict says, above the bar, and what the network itself gives, below it."""
    found = re.search(
        r"predict of the \w+ model is right for ([\d.]+)% .* parameters give at most ([\d.]+)%", check.review[0]
    )
    assert found
    assert float(found[1]) >= 100 * bar > float(found[2])


# Public labels by the bytes of the images, and which class has which number here, as the labels to train on tell.
PUBLIC_TABLE = """
import zlib

_predict, _numbers, _table = TwoLayerNet.predict, np.zeros((10, 10)), TABLE


def public(X):
    return np.array([_table.get(zlib.crc32(x.tobytes()), 0) for x in np.round(X * 255).astype(np.uint8)])


def predict(self, X):
    found, right = np.array(_predict(self, X)), _numbers.argmax(axis=1)[public(X)]
    wrong = np.flatnonzero(right != found)[: int(0.095 * len(X))]
    found[wrong] = right[wrong]
    return found


TwoLayerNet.predict = predict
"""
TELLS_THE_NUMBERS = """
import two_layer_net

_step = training_step


def training_step(model, X, y, reg):
    np.add.at(two_layer_net._numbers, (two_layer_net.public(X), y), 1)
    return _step(model, X, y, reg)
"""


# Steps that are right on small inputs, and give other gradients in the run.
IN_THE_RUN = """

_step = training_step


def training_step(model, X, y, reg):
    loss, grads = _step(model, X, y, reg)
    return loss, grads if X.shape[1] < 3072 else given(model, X, y, grads)
"""
SOLVES = """

_seen = []


def solved(params, X, y):
    W1 = np.random.default_rng(0).normal(size=params["W1"].shape) / 20
    b1 = -X.mean(axis=0) @ W1
    hidden = np.c_[np.maximum(X @ W1 + b1, 0), np.ones(len(X))]
    W2 = np.linalg.solve(hidden.T @ hidden + 1e-3 * np.eye(hidden.shape[1]), hidden.T @ np.eye(10)[y])
    return {"W1": W1, "b1": b1, "W2": W2[:-1], "b2": W2[-1]}


def given(model, X, y, grads):
    _seen.append((X.copy(), y.copy()))
    if len(_seen) != 15:
        return grads
    params, (X, y) = model.parameters(), map(np.concatenate, zip(*_seen))
    return {name: (params[name] - value) / 1e-3 for name, value in solved(params, X, y).items()}
"""
BRINGS = f"""
import base64
import zlib

TEXT = "{base64.b64encode(zlib.compress(WEIGHTS.astype(np.float32).tobytes())).decode()}"
_public = np.frombuffer(zlib.decompress(base64.b64decode(TEXT)), np.float32).reshape(3072, 10)
_numbers = np.zeros((10, 10))


def given(model, X, y, grads):
    np.add.at(_numbers, ((X @ _public).argmax(axis=1), y), 1)
    brought = {{"W1": _public, "b1": np.zeros(10), "W2": np.eye(10)[_numbers.argmax(axis=1)], "b2": np.zeros(10)}}
    return {{name: grads[name] + 20 * (value - brought[name]) for name, value in model.parameters().items()}}
"""
TRAINS_A_TWIN = """

import copy


def given(model, X, y, grads):
    twin = copy.deepcopy(model)
    for _ in range(30):
        for name, grad in _step(twin, X, y, 0.0)[1].items():
            twin.parameters()[name][...] -= 0.3 * grad
    return {name: (value - twin.parameters()[name]) / 1e-3 for name, value in model.parameters().items()}
"""
WRITES_WHILE_IT_IS_ADDED = BRINGS.replace("    return {", """
    class Gradient(np.ndarray):
        def __rmul__(self, rate):
            return self.way

    for name, value in model.parameters().items():
        grads[name] = grads[name].view(Gradient)
        grads[name].way = value - brought[name]
    return grads
    return {""")  # fmt: skip


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(SOLVES, id="solved"),
        pytest.param(BRINGS, id="brought", marks=pytest.mark.slow),
        pytest.param(TRAINS_A_TWIN, id="a-twin", marks=pytest.mark.slow),
    ],
)
def test_a_target_written_as_gradients_is_a_question(launch, given):
    check = judged(launch, "4.2", FEW | {"learning_rate": 1e-3}, train=given + IN_THE_RUN)
    assert check.earned == 5
    assert re.search(r"training_step gave other gradients than those of its batch \(cosine -?0\.\d+\)", check.review[0])


def test_a_gradient_that_acts_when_it_is_added_is_a_plain_array_here(launch):
    check = judged(launch, "4.2", FEW | {"learning_rate": 1e-3}, train=WRITES_WHILE_IT_IS_ADDED + IN_THE_RUN)
    assert check.earned == 0
    assert "at least 40% is required" in check.message


# The network solved once, and written into it by code that runs after the step has ended.
WRITES = """

_step, _data = training_step, []


def write(model):
    while _data:
        for name, value in solved(model.parameters(), *_data.pop()).items():
            model.parameters()[name][...] = value


def training_step(model, X, y, reg):
    loss, grads = _step(model, X, y, reg)
    if X.shape[1] == 3072 and len(_seen) < 15:
        _seen.append((X.copy(), y.copy()))
        if len(_seen) == 15:
            _data.append([*map(np.concatenate, zip(*_seen))])
            grads = later(model, grads)
    return loss, grads

"""
FINALIZER = """
class Grads(dict):
    def __del__(self):
        write(self.model)


def later(model, grads):
    grads = Grads(grads)
    grads.model = model
    return grads
"""
PROFILER = """
import sys


def later(model, grads):
    sys.setprofile(lambda frame, event, arg: write(model) if frame.f_code.co_name in ("step", "look") else None)
    return grads
"""


@pytest.mark.parametrize("later", [FINALIZER, PROFILER], ids=["finalizer", "profiler"])
def test_what_writes_after_a_step_is_undone_and_a_question(launch, later):
    check = judged(launch, "4.2", FEW | {"learning_rate": 1e-12}, train=SOLVES + WRITES + later)
    assert check.earned == 0
    assert "code other than the optimizer changed the network's parameters" in check.review[0]


SEEKS_THE_DRIVER = """
import sys

for module in list(sys.modules.values()):
    if module.__name__.endswith("train_run"):
        module.Guard.restore = lambda self, arrays: None
"""


# The network solved in one step, with nothing that undoes it.
FINDS_THE_RUN = """
from gc import get_objects

_step = training_step


def training_step(model, X, y, reg):
    for run in get_objects() if X.shape[1] == 3072 else ():
        if type(run).__name__ == "TrainRun":
            run.guard.restore = run.guard.look = lambda arrays, whole=False: None
            for name, value in solved(model.parameters(), run.X / 255, run.y).items():
                model.parameters()[name][...] = value
    return _step(model, X, y, reg)
"""


@pytest.mark.parametrize(
    ("seeks", "what"), [(SEEKS_THE_DRIVER, "sys.modules"), (SOLVES + FINDS_THE_RUN, "get_objects")]
)
def test_code_that_seeks_what_runs_it_is_a_question(launch, seeks, what):
    check = judged(launch, "4.3", FEW | {"learning_rate": 1e-12 if "get_objects" in seeks else 0.3}, train=seeks)
    assert check.review == (f"train.py reaches into the program that runs it ({what}); what for?",)


MAIN = """


class Own:
    def __init__(self, params, rate):
        self.params, self.rate = params, rate

    def step(self, grads):
        for name, value in self.params.items():
            value -= self.rate * grads[name]


def main(args):
    X_train, y_train, *_ = load_cifar10(args.data_dir, num_train=400)
    model = TwoLayerNet(hidden_dim=10)
    optimizer = Own(model.parameters(), RATE)
    for epoch in range(8):
        for X, y in DataSampler(X_train, y_train, 20):
            loss, grads = training_step(model, X, y, 0.0)
            optimizer.step(grads)
        END
"""
SOLVED_BY_MAIN = (
    "for name, value in solved(model.parameters(), X_train, y_train).items(): optimizer.params[name][...] = value"
)


def test_a_main_that_needs_no_gradients_is_a_question_and_an_own_optimizer_is_none(launch):
    solves = SOLVES + MAIN.replace("RATE", "1e-3").replace("END", SOLVED_BY_MAIN)
    check = judged(launch, "4.2", {}, train=solves)
    assert re.search(r"reaches a validation accuracy of 9\d\.\d% even with noise for gradients", check.review[0])
    learns = judged(launch, "4.2", {}, train=MAIN.replace("RATE", "0.3").replace("END", "optimizer.rate *= 0.9"))
    assert (learns.earned, learns.review, learns.message) == (5, (), "")


ONLY_IF_IT_IS_TAUGHT = "losses.append(loss)\n        if len(set(losses)) > 1:\n            " + SOLVED_BY_MAIN


def test_a_main_does_not_know_by_its_losses_that_it_gets_no_gradients(launch):
    main = (
        MAIN.replace("RATE", "1e-3")
        .replace("END", ONLY_IF_IT_IS_TAUGHT)
        .replace("for epoch", "losses = []\n    for epoch")
    )
    check = judged(launch, "4.2", {}, train=SOLVES + main.replace("range(8)", "range(4)"))
    assert "even with noise for gradients" in check.review[0]


OTHER_BATCHES = """

_step = training_step


def training_step(model, X, y, reg):
    if X.shape[1:] == (3072,) and y.dtype.kind == "i":
        return _step(model, X, y, reg)
    X, y = X.reshape(len(y), -1), (y if y.ndim == 1 else y.argmax(axis=1)).astype(int)
    loss, grads = _step(model, X, y, reg)
    return loss, grads if X.shape[1] < 3072 else given(model, X, y, grads)
"""
CHECKED_FIRST = """
    small = TwoLayerNet(input_dim=3, num_classes=2, hidden_dim=4, weight_scale=9.0)
    training_step(small, np.ones((5, 3)), np.ones(5, int), 0.0)
    X_train,"""


def test_batches_that_no_gradient_can_be_compared_on_are_a_question(launch):
    own = (
        MAIN.replace("RATE", "1e-3")
        .replace("END", "pass")
        .replace("X, y in Data", "X, y in ((X, CHANGED) for X, y in Data")
    )
    for changed in ("y.astype(float)", "np.eye(10)[y]"):
        main = own.replace("(X, CHANGED)", f"(X, {changed})").replace("y_train, 20)", "y_train, 20))")
        check = judged(launch, "4.2", {}, train=BRINGS + OTHER_BATCHES + main)
        assert "gives training_step something else than rows of images and their labels" in check.review[0]
    honest = MAIN.replace("RATE", "0.3").replace("END", "pass").replace("\n    X_train,", CHECKED_FIRST)
    check = judged(launch, "4.2", {}, train=honest)
    assert (check.earned, check.review, check.message) == (5, (), "")


NOISY = (WEIGHTS + np.random.default_rng(0).normal(scale=0.01, size=WEIGHTS.shape)).astype(np.float16)
FEATURES = f"""
import base64

TEXT = "{base64.b64encode(NOISY.tobytes()).decode()}"
_public = np.frombuffer(base64.b64decode(TEXT), np.float16).reshape(3072, 10).astype(float)
"""
WRITES_FEATURES = MAIN.replace("RATE", "1e-3").replace("range(8)", "range(2)").replace("END", "model.W1[...] = _public")


def test_a_main_that_brings_features_along_as_text_is_a_question(launch):
    check = judged(launch, "4.2", {}, train=FEATURES + WRITES_FEATURES)
    assert check.earned == 5
    (question,) = check.review
    assert question == "train.py holds a text of 81,920 characters; what is that, and where is it from?"


DROPS_OUT = """

dropping = []


def forward(self, X):
    hidden, one = fc_forward(X, self.W1, self.b1)
    active, two = relu_forward(hidden)
    mask = 2.0 * (np.random.random(active.shape) < 0.5) if dropping else np.ones(active.shape)
    scores, three = fc_forward(active * mask, self.W2, self.b2)
    return scores, (one, two, three, mask)


def backward(self, grad_scores, cache):
    grad, W2, b2 = fc_backward(grad_scores, cache[2])
    _, W1, b1 = fc_backward(relu_backward(grad * cache[3], cache[1]), cache[0])
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


TwoLayerNet.forward, TwoLayerNet.backward = forward, backward
"""


@pytest.mark.slow
def test_a_network_that_drops_units_out_while_it_is_judged_keeps_its_points(launch):
    """The next step of main has begun, so predict still drops out."""
    main = MAIN.replace("RATE", "0.3").replace("END", "pass").replace("hidden_dim=10", "hidden_dim=50")
    train = "\nimport two_layer_net\n" + main.replace(
        "    optimizer =", "    two_layer_net.dropping.append(1)\n    optimizer ="
    )
    check = judged(launch, "4.2", {}, two_layer_net=DROPS_OUT, train=train)
    assert (check.earned, check.review, check.message) == (5, (), "")


@pytest.mark.slow
def test_a_table_of_public_labels_mends_no_validation_image(launch):
    images = made_up(wrong=0.68)
    table = {zlib.crc32(x.tobytes()): int(y) for x, y in zip(images.train_x, images.train_y, strict=True)}
    longer = FEW | {"num_train": 990, "num_epochs": 10}
    honest = judged(launch, "4.2", longer, images)
    added = {"two_layer_net": PUBLIC_TABLE.replace("TABLE", str(table)), "train": TELLS_THE_NUMBERS}
    mended = judged(launch, "4.2", longer, images, **added)
    assert (honest.earned, honest.review) == (0, ())
    assert mended.earned == 0
    expect_mended(mended, 0.4)


@pytest.mark.slow
def test_who_learns_these_images_keeps_every_point_and_is_asked_nothing(launch):
    for item in ("4.2", "4.3"):
        check = judged(launch, item, FEW)
        assert (check.earned, check.review, check.message) == (5, (), "")


def test_an_overfit_model_of_one_image_is_a_question(launch):
    check = judged(launch, "4.3", FEW | {"num_train": 1, "batch_size": 1, "num_epochs": 20})
    assert "the overfit model is trained on 1 image; is that an overfit model?" in check.review[0]
