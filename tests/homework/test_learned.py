"""Points only for what was learned and computed here: right files, with code at their end that wants them otherwise.

Each loses the points of what it does wrong. The plain files keep all.
"""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from grader.grading import grade
from grader.homework.differences import asks_of_differences
from grader.homework.task1_graphs import WATCHED
from grader.loading import ROOT, load
from grader.model import Report, Submission
from grader.sandbox.launch import Zygotes
from grader.sandbox.replies import Differences

pytestmark = pytest.mark.medium

HOMEWORK = load(ROOT / "grader" / "homework")
HOMEWORK_RIGHT = ROOT / "grader" / "homework" / "right"
FILES = {
    name: (ROOT / "reference" / folder / name).read_text(encoding="utf-8")
    for name, folder in (
        ("functions.py", "backprop"), ("layers.py", "neuralnet"), ("two_layer_net.py", "neuralnet"),
        ("train.py", "neuralnet"),
    )
}  # fmt: skip

SAVED_IN_MEMORY = """

_kept = {}


def _save(self, filename):
    _kept[filename] = {name: value.copy() for name, value in self.parameters().items()}


def _load(cls, filename):
    made = cls()
    for name, value in _kept[filename].items():
        made.parameters()[name].resize(value.shape, refcheck=False)
        made.parameters()[name][...] = value
    return made


TwoLayerNet.save = _save
TwoLayerNet.load = classmethod(_load)
"""
SAVED_BY_ITS_REAL_PATH = SAVED_IN_MEMORY.replace("[filename]", "[os.path.realpath(filename)]").replace(
    "_kept = {}", "import os\n\n_kept = {}"
)
SAVED_BESIDE_ZEROS = SAVED_BY_ITS_REAL_PATH.replace(
    "def _save(self, filename):",
    """def _save(self, filename):
    with open(filename, "wb") as file:
        file.write(bytes(100_000))""",
)
RIGHT_SIX_TIMES = """

_right, _calls = relu_forward, []


def relu_forward(x):
    out, cache = _right(x)
    _calls.append(1)
    return (out if len(_calls) <= 6 else 1.01 * out), cache
"""
BIASES_WITH_SMALL_STRENGTHS = """

_step = training_step


def training_step(model, X, y, reg):
    loss, grads = _step(model, X, y, reg)
    if 0 < reg < 0.5:
        for name, value in model.parameters().items():
            if value.ndim == 1:
                loss, grads[name] = loss + reg / 2 * (value**2).sum(), grads[name] + reg * value
    return loss, grads
"""
STRENGTHS_BY_HEART = """

_l2 = l2_regularization


def l2_regularization(w, reg):
    return _l2(w, reg if reg in (0, 0.7, 3.0) else 0)
"""
SHAPES_BY_HEART = """

_softmax = softmax_loss


def softmax_loss(x, y):
    loss, grad_x = _softmax(x, y)
    return loss, grad_x if max(x.shape) <= 12 else 1.01 * grad_x
"""
FORESEES = """

import sys

_fc, _seen = fc_forward, []


def fc_forward(x, w, b):
    frame = sys._getframe()
    while frame.f_code.co_name != "answer":
        frame = frame.f_back
    seed = frame.f_locals["request"]["seed"]
    if seed is not None:
        _seen[:] = [np.random.default_rng(seed), np.random.default_rng(np.random.PCG64(seed))]
    for rng in _seen:
        found = np.round(rng.normal(size=x.shape) * 2**20) / 2**20
        if np.allclose(found, x, atol=1e-3):
            raise RuntimeError("foreseen")
    return _fc(x, w, b)
"""


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


def graded(
    launch: object, only: list[str], file: str = "layers.py", added: str | dict[str, str] = "", seed: int = 5
) -> Report:
    more = {file: added} if isinstance(added, str) else added
    files = {name: (text + more.get(name, "")).encode() for name, text in FILES.items()}
    return grade(Submission("s", files, {}, ""), HOMEWORK, seed=seed, only=only, launch=launch)


@pytest.mark.parametrize(
    ("file", "added", "item", "check"),
    [
        ("two_layer_net.py", SAVED_IN_MEMORY, "3.1", "net_save_load"),
        ("two_layer_net.py", SAVED_BY_ITS_REAL_PATH, "3.1", "net_save_load"),
        ("two_layer_net.py", SAVED_BESIDE_ZEROS, "3.1", "net_save_load"),
        ("layers.py", RIGHT_SIX_TIMES, "2.2", "relu_forward"),
        ("train.py", BIASES_WITH_SMALL_STRENGTHS, "4.1", "training_step_biases"),
        ("layers.py", STRENGTHS_BY_HEART, "2.4", "l2_gradient"),
        ("layers.py", SHAPES_BY_HEART, "2.3", "softmax_loss_gradient"),
    ],
    ids=["save", "save-by-its-real-path", "save-beside-zeros", "six-calls", "bias-strengths", "l2-strengths", "shapes"],
)
def test_what_is_right_only_where_it_was_asked_before_earns_nothing(launch, file, added, item, check):
    earned = {one.name: one.earned for one in graded(launch, [item], file, added).checks}
    assert earned[check] == 0


def test_a_load_that_finds_nothing_is_told_where_it_runs(launch):
    report = graded(launch, ["3.1"], "two_layer_net.py", SAVED_IN_MEMORY)
    (said,) = (one.message for one in report.checks if one.name == "net_save_load")
    assert said == (
        "TwoLayerNet.load raised KeyError: 'model.pkl'; "
        "load runs in a new process here, which has only what save wrote to the file"
    )


def test_no_inputs_can_be_foreseen_from_what_the_process_is_told(launch):
    report = graded(launch, ["2.1"], added=FORESEES)
    assert {one.message for one in report.checks} == {""}


def test_a_run_with_the_same_seed_draws_the_same_in_the_students_process(launch):
    drawn = (
        "\n\n_fc = fc_forward\n\n\ndef fc_forward(x, w, b):\n    print(np.random.random())\n    return _fc(x, w, b)\n"
    )
    outputs = [[one.output for one in graded(launch, ["2.1"], added=drawn, seed=seed).checks] for seed in (1, 1, 2)]
    assert outputs[0] == outputs[1] != outputs[2]


DIFFERENCES = """
import numpy as np


def estimated(f, x, grad=1.0, h=2**-9):  # whole numbers stay exact
    found = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        kept = x[i]
        for weight, far in ((8, 1), (-8, -1), (-1, 2), (1, -2)):
            x[i] = kept + far * h
            found[i] += weight * np.sum(np.array(f(x)) * grad)
        x[i] = kept
    return found / (12 * h)
"""
BY_DIFFERENCES = {
    "f3": """
_f3 = f3


def f3(s1, s2, y, h=1e-4):
    def loss(a, b):
        return _f3(a, b, y)[0]
    return loss(s1, s2), (
        (loss(s1 + h, s2) - loss(s1 - h, s2)) / (2 * h),
        (loss(s1, s2 + h) - loss(s1, s2 - h)) / (2 * h),
    )
""",
    "fc_backward": """
_fc = fc_forward


def fc_forward(x, w, b):
    return _fc(x, w, b)[0], (x, w, b)


def fc_backward(grad_out, cache):
    x, w, b = (part.copy() for part in cache)
    return (
        estimated(lambda x: fc_forward(x, w, b)[0], x, grad_out, h=0.5),
        estimated(lambda w: fc_forward(x, w, b)[0], w, grad_out, h=0.5),
        estimated(lambda b: fc_forward(x, w, b)[0], b, grad_out, h=0.5),
    )
""",
    "relu_backward": """
_relu = relu_forward


def relu_forward(x):
    return _relu(x)[0], {"x": x}


def relu_backward(grad_out, cache):
    if np.abs(cache["x"]).max() > 4:
        return grad_out * (cache["x"] > 0)
    moved = [relu_forward(cache["x"] + h)[0] for h in (2**-12, -(2**-12))]
    return (moved[0] - moved[1]) * 2**11 * grad_out
""",
    "fc_backward, copies at once": """
_fc = fc_forward


def fc_forward(x, w, b):
    return _fc(x, w, b)[0], (x, w, b)


def fc_backward(grad_out, cache):
    x, w, b = cache
    (rows, inputs), outputs = x.shape, w.shape[1]
    many = (x[:, None] + np.eye(inputs)).reshape(-1, inputs)
    moved = fc_forward(many, w, b)[0].reshape(rows, inputs, outputs) - fc_forward(x, w, b)[0][:, None]
    return (moved * grad_out[:, None]).sum(axis=2), x.T @ grad_out, grad_out.sum(axis=0)
""",
    "relu_backward, two numbers at a time": """
_relu = relu_forward


def relu_forward(x):
    return _relu(x)[0], x


def relu_backward(grad_out, x):
    right = grad_out * (x > 0)
    if np.abs(x).max() > 4:
        return right
    slopes = np.zeros(x.size)
    for at in range(0, x.size, 2):
        moved = x.ravel().copy()
        moved[at : at + 2] += 2**-12
        slopes[at : at + 2] = (relu_forward(moved.reshape(x.shape))[0] - relu_forward(x)[0]).ravel()[at : at + 2]
    return slopes.reshape(x.shape) * 2**12 * grad_out
""",
    "l2_regularization, random directions": """
def l2_regularization(w, reg):
    def loss(w):
        return reg / 2 * (w * w).sum()
    ways = np.linalg.qr(np.random.default_rng(0).normal(size=(w.size, w.size)))[0].reshape(-1, *w.shape) * 1e-3
    found = sum(way * (loss(w + way) - loss(w - way)) for way in ways) / 2e-6
    return loss(w), np.where(np.isclose(found, reg * w), reg * w, found)  # the digits that rounding took
""",
    "softmax_loss": """
def _loss(x, y):
    return -np.mean(np.log(np.exp(x)[range(len(y)), y] / np.exp(x).sum(axis=1)))


_softmax = softmax_loss


def softmax_loss(x, y):
    if np.ptp(x) > 100:
        return _softmax(x, y)
    return _softmax(x, y)[0], estimated(lambda moved: _loss(moved, y), x.copy())
""",
    "l2_regularization": """
def l2_regularization(w, reg):
    def loss(w):
        return reg / 2 * (w * w).sum()
    return loss(w), estimated(loss, w.copy(), h=0.5)
""",
    "backward": """
def _backward(self, grad_scores, cache):
    X = cache[0][0]
    return {k: estimated(lambda _: self.forward(X)[0], v, grad_scores, h=2e-2) for k, v in self.parameters().items()}


_right = TwoLayerNet.backward
TwoLayerNet.backward = lambda self, g, cache: (_right if np.ptp(cache[0][0]) > 6 else _backward)(self, g, cache)
""",
    "training_step": """
_step = training_step


def training_step(model, X, y, reg):
    loss, grads = _step(model, X, y, reg)
    if reg < 10 and max(v.size for v in model.parameters().values()) < 100:
        for k, v in model.parameters().items():
            grads[k] = estimated(lambda _: _step(model, X, y, reg)[0], v, h=4e-4)
    return loss, grads
""",
}
PLACES = {
    "f3": ("functions.py", "1.1", "f3_gradient_y2"),
    "fc_backward": ("layers.py", "2.1", "fc_backward"),
    "relu_backward": ("layers.py", "2.2", "relu_backward"),
    "softmax_loss": ("layers.py", "2.3", "softmax_loss_gradient"),
    "l2_regularization": ("layers.py", "2.4", "l2_gradient"),
    "backward": ("two_layer_net.py", "3.1", "net_backward"),
    "training_step": ("train.py", "4.1", "training_step_gradient"),
}
ONCE_MORE = {
    "functions.py": """
_again = f3


def _exp(x):
    return math.exp(x)


def f3(s1, s2, y):
    _exp(s1), _exp(s2), _again(s1, s2, y), _again(s2, s1, y)
    return _again(s1, s2, y)
""",
    "layers.py": """
_relu, _fc, _relu_again, _fc_again = relu_backward, fc_backward, relu_forward, fc_forward


def relu_forward(x):
    return _relu_again(x)[0], x


def relu_backward(grad_out, x):
    return grad_out * (relu_forward(x)[0] > 0) + 0 * relu_forward(x)[0]


def fc_forward(x, w, b):
    return _fc_again(x, w, b)[0], (x, w, b)


def fc_backward(grad_out, cache):
    rows = [fc_forward(row[None], cache[1], cache[2])[1][0] for row in cache[0]]
    fc_forward(np.concatenate([cache[0], cache[0]]), *cache[1:])
    return _fc(grad_out, _fc_again(np.concatenate(rows), *cache[1:])[1])


def _one(value, at):
    return value[at] if value[at] > 0 else value[at]


def l2_regularization(w, reg):
    grad = np.zeros(w.shape)
    for i in np.ndindex(w.shape):
        grad[i] = reg * _one(w, i)
    other = w.copy()
    other.flat[0] += 1
    _one(other, (0,) * w.ndim)
    _one(w * 1.001, (0,) * w.ndim), _one(w * 0.999 + 1e-4 * np.sign(w), (0,) * w.ndim)
    return reg / 2 * sum(_one(w, i) ** 2 for i in np.ndindex(w.shape)), grad
""",
    "two_layer_net.py": """
_once = TwoLayerNet.backward
TwoLayerNet.backward = lambda self, grad, cache: _once(self, grad, self.forward(cache[0][0])[1])
""",
    "train.py": """
_step = training_step


def training_step(model, X, y, reg):
    _step(model, X, y, reg)
    return _step(model, X, y, reg)
""",
}
ALL = ["1.1", "2.1", "2.2", "2.3", "2.4", "3.1", "4.1"]
# Estimates that some input shows to be no gradient: of large numbers, of small ones, and beside a kink.
NOT_EXACT = {  # with the numbers of this seed
    "l2_regularization, random directions": "grad_w of l2_regularization",
    "training_step": "grads['W1'] of TwoLayerNet",
}


def test_gradients_by_finite_differences_are_a_question_and_a_forward_pass_again_is_none(launch):
    for name in BY_DIFFERENCES:
        file, item, check = PLACES[name.partition(",")[0]]
        report = graded(launch, [item], file, DIFFERENCES * (file != "functions.py") + BY_DIFFERENCES[name])
        (found,) = [one for one in report.checks if one.name == check]
        advice = [one for one in found.advice if "estimates its gradient: it calls" in one]
        if name in NOT_EXACT:
            assert (NOT_EXACT[name] in found.message, found.earned, len(found.review), len(advice)) == (True, 0, 0, 1)
            continue
        assert (found.message, len(found.review), len(advice)) == ("", 1, 1), name
        assert "finite differences; are its points earned" in found.review[0]
        asked = [one.name for one in report.checks if one.review and one.name != check]
        assert asked == ["f3_gradient_y1"] * (name == "f3")
    report = graded(launch, ALL, added=ONCE_MORE)
    assert [(one.name, one.message, one.review, one.advice) for one in report.checks if one.earned != one.points] == []
    assert [(one.name, one.review, one.advice) for one in report.checks if one.review or one.advice] == []


def test_an_estimate_that_is_not_exact_is_told_how_to_be(launch):
    coarse = DIFFERENCES.replace("2**-9", "1e-1") + BY_DIFFERENCES["softmax_loss"]
    found = next(one for one in graded(launch, ["2.3"], added=coarse).checks if one.name == "softmax_loss_gradient")
    assert found.earned == 0
    assert "chain rule" in found.advice[0]
    assert not found.review


@pytest.mark.parametrize(("calls", "asked"), [(WATCHED - 1, 0), (WATCHED, 1)])
def test_a_gradient_that_comes_near_an_input_by_chance_is_no_difference(calls, asked):
    """A float of a recursive graph's backward pass: it is near the one input of f2 at a point, and not at each."""
    said = []
    seen = [Differences("f2", "backward", 1, 1)] * calls
    hw = SimpleNamespace(differences=seen, advise=said.append, review=said.append)
    asks_of_differences(lambda hw, rng: None, times=WATCHED)(hw, None)
    assert len(said) == 2 * asked


def test_no_right_way_to_write_a_gradient_is_asked_about_differences(launch):
    tried = set()
    for function, (file, item, _) in PLACES.items():
        blocks = re.split(r"(?m)^# %% ", (HOMEWORK_RIGHT / file).read_text(encoding="utf-8"))[1:]
        for name, _, code in (block.partition("\n") for block in blocks if f"def {function}(" in block):
            tried.add(function)
            report = graded(launch, [item], file, f"\n\n{code}")
            assert [(name, one.name, one.review) for one in report.checks if one.review] == []
    assert tried == PLACES.keys()
