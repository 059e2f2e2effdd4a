"""Points only for what was learned and computed here: right files, with code at their end that wants them otherwise.

Each loses the points of what it does wrong. The plain files keep all.
"""

from __future__ import annotations

import re

import pytest

from grader.check import ROOT, load
from grader.grading import grade
from grader.model import Report, Submission
from grader.sandbox.launch import Zygotes

pytestmark = pytest.mark.medium

HOMEWORK = load(ROOT / "grader" / "homework")
HOMEWORK_RIGHT = ROOT / "grader" / "homework" / "right"
FILES = {
    name: (ROOT / "reference" / "neuralnet" / name).read_text(encoding="utf-8")
    for name in ("layers.py", "two_layer_net.py", "train.py")
}

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


def graded(launch: object, only: list[str], file: str = "layers.py", added: str = "", seed: int = 5) -> Report:
    files = {name: (text + added * (name == file)).encode() for name, text in FILES.items()}
    return grade(Submission("s", files, {}, ""), HOMEWORK, seed=seed, only=only, launch=launch)


@pytest.mark.parametrize(
    ("file", "added", "item", "check"),
    [
        ("two_layer_net.py", SAVED_IN_MEMORY, "3.1", "net_save_load"),
        ("layers.py", RIGHT_SIX_TIMES, "2.2", "relu_forward"),
        ("train.py", BIASES_WITH_SMALL_STRENGTHS, "4.1", "training_step_biases"),
        ("layers.py", STRENGTHS_BY_HEART, "2.4", "l2_gradient"),
    ],
    ids=["save", "six-calls", "bias-strengths", "l2-strengths"],
)
def test_what_is_right_only_where_it_was_asked_before_earns_nothing(launch, file, added, item, check):
    earned = {one.name: one.earned for one in graded(launch, [item], file, added).checks}
    assert earned[check] == 0


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

def differences(forward, args, at, grad_out, h=0.5):
    grad = np.zeros(args[at].shape)
    for i in np.ndindex(grad.shape):
        moved = [[np.array(a, dtype=float) for a in args] for _ in range(2)]
        moved[0][at][i] += h
        moved[1][at][i] -= h
        grad[i] = ((forward(*moved[0])[0] - forward(*moved[1])[0]) * grad_out).sum() / (2 * h)
    return grad


_fc = fc_forward


def fc_forward(x, w, b):
    return _fc(x, w, b)[0], (x, w, b)


def fc_backward(grad_out, cache):
    return tuple(differences(fc_forward, cache, at, grad_out) for at in range(3))
"""
AGAIN = """

_relu = relu_backward


def relu_backward(grad_out, cache):
    relu_forward(grad_out)
    return _relu(grad_out, cache)
"""


def test_a_gradient_by_finite_differences_is_a_question_and_a_forward_pass_again_is_none(launch):
    by_name = {one.name: one for one in graded(launch, ["2.1"], added=DIFFERENCES).checks}
    assert "calls fc_forward" in str(by_name["fc_backward"])
    for added in ("", AGAIN):
        assert "calls relu_forward" not in str(graded(launch, ["2.2"], added=added))
        assert "calls fc_forward" not in str(graded(launch, ["2.1"], added=added))
        assert all(one.earned == one.points for one in graded(launch, ["2.2"], added=added).checks)


def test_no_right_way_to_write_a_layer_is_asked_about_differences(launch):
    blocks = re.split(r"(?m)^# %% ", (HOMEWORK_RIGHT / "layers.py").read_text(encoding="utf-8"))[1:]
    wanted = [block.partition("\n") for block in blocks if "def fc_backward" in block or "def relu_backward" in block]
    assert len(wanted) >= 4
    for name, _, code in wanted:
        item, check = ("2.1", "fc_backward") if "def fc_backward" in code else ("2.2", "relu_backward")
        result = next(one for one in graded(launch, [item], added=f"\n\n{code}").checks if one.name == check)
        assert result.earned == result.points, name
        assert " times; derive" not in str(result), name
