"""A mistake in the reference, made by replacing a line: what a check says of it, and what it must not say.

A wrong cause is worse than none, so `never` holds words that are not true of the mistake.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.grading import grade
from grader.loading import OWN, load
from grader.model import CheckResult, Submission, Verdict
from grader.sandbox.launch import Zygotes

pytestmark = pytest.mark.medium
ROOT = Path(__file__).parents[2]
HOMEWORK = load(OWN)
FILES = {
    name: (ROOT / "reference" / path).read_text(encoding="utf-8")
    for name, path in {
        "functions.py": "backprop/functions.py",
        "layers.py": "neuralnet/layers.py",
        "two_layer_net.py": "neuralnet/two_layer_net.py",
        "train.py": "neuralnet/train.py",
    }.items()
}
EARLIER, IGNORED, MATRIX = "earlier call", "ignored", "one matrix with its bias"


@dataclass(frozen=True)
class Mistake:
    file: str
    old: str
    new: str
    check: str
    says: str = ""
    never: str = ""


LOG_P = "log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))"
PARAMS, GRADS = '"b1": self.b1, "W2": self.W2, "b2": self.b2}', '"b1": grad_b1, "W2": grad_W2, "b2": grad_b2}'
MISTAKES = {
    "tanh for ReLU": Mistake(
        "two_layer_net.py",
        "active, relu_cache = relu_forward(hidden)",
        "active, relu_cache = np.tanh(hidden), hidden > 0",
        "net_backward",
        "right for your forward pass, which is wrong",
        EARLIER,
    ),
    "regularized in backward": Mistake(
        "two_layer_net.py", '{"W1": grad_W1,', '{"W1": grad_W1 + 0.01 * self.W1,', "net_backward", never=EARLIER
    ),
    "biases' keys exchanged": Mistake(
        "two_layer_net.py",
        GRADS,
        '"b1": grad_b2, "W2": grad_W2, "b2": grad_b1}',
        "net_backward",
        "are the keys exchanged?",
        IGNORED,
    ),
    "the last bias's gradient halved": Mistake(
        "two_layer_net.py", GRADS, GRADS.replace("grad_b2", "grad_b2 / 2"), "net_backward", "1/2", IGNORED
    ),
    "a bias that is no parameter": Mistake(
        "two_layer_net.py", PARAMS, '"b1": self.b1, "W2": self.W2}', "net_forward", ",) missing", MATRIX
    ),
    "one bias twice": Mistake(
        "two_layer_net.py", PARAMS, PARAMS.replace("self.b2", "self.b1"), "net_parameters", "should hold", MATRIX
    ),
    "whole numbers for biases": Mistake(
        "two_layer_net.py",
        "self.b1 = np.zeros(hidden_dim)",
        "self.b1 = np.zeros(hidden_dim, dtype=int)",
        "net_forward",
        "parameters()['b1'] should be a numpy array of floats, but it is an array of int64",
        MATRIX,
    ),
    "gradients of a batch averaged again": Mistake(
        "train.py",
        "grads = model.backward(grad_scores, cache)",
        "grads = model.backward(grad_scores / len(y_batch), cache)",
        "training_step_biases",
        "divided by the batch size once too often",
        IGNORED,
    ),
    "and of its weights": Mistake(
        "train.py",
        "grads = model.backward(grad_scores, cache)",
        "grads = model.backward(grad_scores / len(y_batch), cache)",
        "training_step_gradient",
        "the gradient of the softmax loss is divided by N once more",
    ),
    "regularization halved again": Mistake(
        "train.py", "loss += reg_loss", "loss += reg_loss / 2", "training_step_loss", "is halved once more"
    ),
    "softmax over the rows": Mistake(
        "layers.py",
        LOG_P,
        "log_p = x - np.log(np.exp(x).sum(axis=0, keepdims=True))",
        "softmax_loss_gradient",
        "np.exp is summed over axis 0",
    ),
    "a gradient in the right column alone": Mistake(
        "layers.py",
        "grad_x[rows, y] -= 1",
        "grad_x = (grad_x - 1) * (np.arange(x.shape[1]) == y[:, None])",
        "softmax_loss_gradient",
        "only the right class has a gradient",
        "threshold",
    ),
    "a mean over rows and classes": Mistake(
        "layers.py", "-log_p[rows, y].mean()", "-log_p[rows, y].sum() / x.size", "softmax_loss_value", "is it a mean"
    ),
    "a mean over the rows of w": Mistake(
        "layers.py", "np.sum(w**2)", "np.mean(np.sum(w**2, axis=1))", "l2_value", "is it a mean, not a sum?"
    ),
    "a mean over the outputs": Mistake(
        "layers.py", "grad_out @ w.T", "grad_out @ w.T / w.shape[1]", "fc_backward", "is it a mean, not a sum?"
    ),
    "numpy's maximum of all": Mistake(
        "layers.py", "np.maximum(x, 0)", "np.max(0, x)", "relu_forward", "index; np.maximum compares entry"
    ),
    "numpy's maximum of all, in the backward pass": Mistake(
        "layers.py", "np.maximum(x, 0)", "max(0, x)", "relu_backward", "; np.maximum compares entry by entry"
    ),
    "another name for numpy": Mistake(
        "layers.py", "np.maximum(x, 0)", "numpy.maximum(x, 0)", "relu_forward", "NameError", "compares each"
    ),
    "a ReLU that is 1": Mistake(
        "layers.py", "out = np.maximum(x, 0)", "out = np.where(x > 0, 1.0, 0.0)", "relu_forward", "it is 1 where x"
    ),
    "a row masked as a whole": Mistake(
        "layers.py",
        "grad_x = grad_out * was_positive",
        "grad_x = grad_out * was_positive.all(axis=1, keepdims=True)",
        "relu_backward",
        never="whole numbers",
    ),
    "a ReLU with a small threshold": Mistake("layers.py", "cache = x > 0", "cache = x > 1e-6", "relu_backward"),
    "rounded": Mistake(
        "functions.py", "L = -math.log(p)", "L = round(-math.log(p), 4)", "f3_forward_fresh", "4 decimals", "float32"
    ),
    "a softmax without np.exp": Mistake(
        "layers.py",
        LOG_P,
        "log_p = np.log(shifted / shifted.sum(axis=1, keepdims=True))",
        "softmax_loss_value",
        "",
        IGNORED,
    ),
    "and for large scores": Mistake(
        "layers.py",
        LOG_P,
        "log_p = np.log(shifted / shifted.sum(axis=1, keepdims=True))",
        "softmax_loss_stable",
        never="np.exp",
    ),
    "// for p": Mistake(
        "layers.py",
        LOG_P,
        "log_p = np.log(np.exp(shifted) // np.exp(shifted).sum(axis=1, keepdims=True))",
        "softmax_loss_gradient",
        "as if p were 0",
        IGNORED,
    ),
    "a ReLU that is never 0": Mistake(
        "layers.py",
        "np.maximum(x, 0)",
        "np.where(x > 0, x, 1.0)",
        "relu_forward",
        "it is 1 where it should be 0",
        "mask",
    ),
    "reg for reg / 2, and a half": Mistake(
        "layers.py", "reg / 2 * np.sum", "reg * 1.5 * np.sum", "l2_value", "about 3 times", "the number of"
    ),
    "a gradient of two that does not come down": Mistake(
        "functions.py",
        "grad_e1 = grad_p1 / d + grad_d",
        "grad_e1 = grad_d",
        "f3_gradient_y1",
        "or what comes through p1?",
    ),
    "a logarithm without its slope": Mistake(
        "functions.py", "grad_p = -grad_L / p", "grad_p = -grad_L", "f3_gradient_y2", "p were left out in grad_p"
    ),
    "labels from 0, of which the second one has no gradient": Mistake(
        "functions.py",
        "grad_p2 = grad_p if y == 2",
        "grad_p2 = grad_p if y == 1",
        "f3_gradient_y2",
        "is 0",
        "for every y",
    ),
    "a sign and, beside it, a factor": Mistake(
        "functions.py",
        "grad_a1 = grad_y_hat  # a sum hands its upstream gradient to each of its terms",
        "grad_a1 = 2 * grad_y_hat; grad_y *= 3",
        "f1_gradient",
        "as if grad_a1 were counted twice",
    ),
    "what is added to both gradients": Mistake(
        "functions.py", "grad_d = -grad_p1 * e1 / d**2", "grad_d = e1 / d**2", "f3_gradient_y2", never="in the place of"
    ),
    "a quotient's slope without the square": Mistake(
        "functions.py",
        "grad_d = -grad_p1 * e1 / d**2 - grad_p2 * e2 / d**2",
        "grad_d = -grad_p1 * e1 / d - grad_p2 * e2 / d",
        "f3_gradient_y1",
        "d**2 were d: a factor is missing",
    ),
    "rows of 0 that are left out": Mistake(
        "layers.py", "out = x @ w + b", "out = x[x.any(axis=1)] @ w + b", "fc_forward", "has shape"
    ),
    "a mean of all losses so far": Mistake(
        "train.py",
        "    return loss, grads\n",
        "    model.losses = [*vars(model).get('losses', []), loss]\n    return np.mean(model.losses), grads\n",
        "training_step_loss",
        "asked again, it differs",
        "halved",
    ),
    "a strength of its own": Mistake(
        "train.py",
        "l2_regularization(param, reg)",
        "l2_regularization(param, 0.1)",
        "training_step_gradient",
        never="divided by N",
    ),
    "p alone divided by N": Mistake(
        "layers.py",
        "grad_x[rows, y] -= 1\n    grad_x /= N",
        "grad_x /= N\n    grad_x[rows, y] -= 1",
        "softmax_loss_gradient",
        "divided by N before the 1 is subtracted",
    ),
    "a logarithm without the maximum": Mistake(
        "layers.py", LOG_P, LOG_P.replace("shifted - ", "x - "), "softmax_loss_value", "lacks the maximum: add it"
    ),
    "and with the wrong sign of it": Mistake(
        "layers.py",
        LOG_P,
        LOG_P.replace("shifted - ", "x + x.max(axis=1, keepdims=True) - "),
        "softmax_loss_value",
        "the maximum is subtracted from log",
    ),
    "a softmax's slope without its sum": Mistake(
        "layers.py",
        "grad_x = np.exp(log_p)\n",
        "grad_x = np.zeros_like(x)\n",
        "softmax_loss_gradient",
        "is its part left out",
    ),
    "classes that are drawn": Mistake(
        "two_layer_net.py",
        "    def backward(",
        "    def predict(self, X):\n"
        "        p = np.exp(self.forward(X)[0])\n"
        "        return np.array([np.random.choice(len(row), p=row / row.sum()) for row in p])\n\n"
        "    def backward(",
        "net_predict",
        "asked again, it differs",
        "wrong places",
    ),
    "a sum that is overwritten": Mistake(
        "layers.py",
        "grad_w = x.T @ grad_out",
        "grad_w = np.outer(x[-1], grad_out[-1])",
        "fc_backward",
        "only the last row counts",
    ),
    "one matrix regularized twice": Mistake(
        "train.py",
        "reg_loss, grad_W = l2_regularization(param, reg)\n            loss += reg_loss",
        'reg_loss, grad_W = l2_regularization(param, reg)\n            loss += 2 * reg_loss * (name == "W1")',
        "training_step_loss",
        "the first weight matrix is regularized twice",
    ),
    "a weight's gradient without the ReLU": Mistake(
        "two_layer_net.py",
        "cache = (fc1_cache, relu_cache, fc2_cache)",
        "cache = (fc1_cache, relu_cache, (hidden, self.W2))",
        "net_backward",
        "before its ReLU",
    ),
    "a list for all gradients": Mistake(
        "functions.py",
        "grad_s2 = grad_e2 * e2\n    # END SOLUTION\n\n    return L, (grad_s1, grad_s2)",
        "grad_s2 = grad_e2 * e2\n    ALL[:] = grad_s1, grad_s2\n    return L, ALL\n\n\nALL = []",
        "f3_gradient_y1",
        "all are the same",
    ),
    "a matrix for a loss": Mistake(
        "layers.py", "loss = reg / 2 * np.sum(w**2)", "loss = reg / 2 * (w.T @ w)", "l2_value", "", "is right)"
    ),
}


@pytest.fixture(scope="module")
def launch():
    with Zygotes() as zygotes:
        yield zygotes.launch


def graded(launch: object, file: str, source: str, seed: int) -> dict[str, CheckResult]:
    files = {name: text.encode() for name, text in {**FILES, file: source}.items()}
    task = {"functions.py": "1", "layers.py": "2", "two_layer_net.py": "3", "train.py": "4.1"}[file]
    report = grade(Submission("mistaken", files, {}, ""), HOMEWORK, seed=seed, only=[task], launch=launch)
    return {check.name: check for check in report.checks}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", MISTAKES)
def test_the_sentence_on_a_mistake_is_true(launch, name, seed):
    mistake = MISTAKES[name]
    assert FILES[mistake.file].count(mistake.old) == 1
    source = FILES[mistake.file].replace(mistake.old, mistake.new)
    check = graded(launch, mistake.file, source, seed)[mistake.check]
    assert check.verdict is not Verdict.PASS
    assert mistake.says in check.message
    assert not mistake.never or mistake.never not in check.message, check.message


@pytest.mark.parametrize(
    ("constant", "says"), [("+ 1e-12", "far too small"), ("", "not finite")], ids=["a small constant", "log p"]
)
def test_a_loss_that_is_cut_off_or_infinite_is_advised(launch, constant, says):
    source = FILES["layers.py"].replace("loss = -log_p[rows, y].mean()", f"loss = -np.log(np.exp(log_p){constant})")
    source = source.replace(f"(np.exp(log_p){constant})", f"(np.exp(log_p){constant})[rows, y].mean()")
    check = graded(launch, "layers.py", source, 1)["softmax_loss_stable"]
    assert check.earned == check.points
    assert [sentence for sentence in check.advice if says in sentence]


def test_names_that_are_pairs_are_written_as_python_does(launch, tmp_path):
    """In the sentence and in the script, which shows the wrong answer on the student's machine."""
    source = FILES["two_layer_net.py"].replace('{"W1": self.W1,', '{(1, "W"): self.W1,')
    source = source.replace('{"W1": grad_W1,', '{(1, "W"): 2 * grad_W1,')
    check = graded(launch, "two_layer_net.py", source, 1)["net_backward"]
    assert check.message.startswith("grads[(1, 'W')] ")
    for name in ("classifier.py", "layers.py"):
        (tmp_path / name).write_bytes((ROOT / "reference" / "neuralnet" / name).read_bytes())
    (tmp_path / "two_layer_net.py").write_text(source)
    command = [sys.executable, "-c", check.example]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "[(1, 'W')]" in check.example
    own = float(shown.strip("[] \n"))
    assert f"yours {own:g}, " in check.example.splitlines()[-1]


def test_parameters_that_are_views_cost_nothing_and_are_advised(launch):
    made = "np.random.normal(scale=weight_scale, size=(input_dim, hidden_dim))"
    flat = "np.random.normal(scale=weight_scale, size=input_dim * hidden_dim).reshape(input_dim, hidden_dim)"
    assert made in FILES["two_layer_net.py"]
    checks = graded(launch, "two_layer_net.py", FILES["two_layer_net.py"].replace(made, flat), 1)
    assert all(check.earned == check.points for check in checks.values())
    assert "view of another array" in checks["net_save_load"].advice[0]


def test_a_mistake_that_a_handout_has_to_know_is_asked_before_any_mismatch():
    """A generator starts only where an answer is wrong, and none is while answers are recorded."""
    lazy = [
        f"{path.name}:{call.lineno}"
        for path in sorted(OWN.rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "mistakes"
        if len(call.args) > 1 and not any(one.arg == "recorded" for one in call.keywords)
    ]
    assert lazy == []
