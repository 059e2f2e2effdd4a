"""The checks without training: the reference passes all, and each mistake fails exactly the check that names it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from inspect import Parameter, Signature
from multiprocessing import get_context
from pathlib import Path
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

from grader.errors import Mismatch, NotImplementedYet, Raised, StudentError, Undecided
from grader.homework import (
    task1_graphs,
    task2_layers,
    task3_two_layer_net,
    task4_models,
    task4_training_step,
    task5_fashion,
    task6_pretrained,
)
from grader.loading import checks_of
from grader.model import Check

sys.path.insert(0, str(Path(__file__).parent))
import fake
import mistakes
from mistakes import MISTAKES, Patch, Student, network, network_skips_the_mask, patch

pytestmark = pytest.mark.medium

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "reference"
RUBRIC = yaml.safe_load((ROOT / "grader" / "homework" / "rubric.yaml").read_text(encoding="utf-8"))
ITEMS = {item["id"]: item for task in RUBRIC["tasks"] for item in task["items"]}
TASKS = (task1_graphs, task2_layers, task3_two_layer_net, task4_training_step)
RUNS = (task4_models, task5_fashion, task6_pretrained)  # held to their own tests
CHECKS = {check.name: check for task in TASKS for check in checks_of(task)}  # those of task4_runs need a session


@pytest.fixture(autouse=True)
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is a scratch folder, as in a student's process."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def student() -> Student:
    """The reference as a student's work. Patching a layer leaves the network alone: it has bound the right one."""
    return {name: namespace(module) for name, module in fake.modules(FOLDER).items()}


def namespace(module: Any) -> SimpleNamespace:
    return SimpleNamespace(**{k: v for k, v in vars(module).items() if not k.startswith("__")})


SEEDS = int(os.environ.get("BACKGRADE_SEEDS", "200"))
REFERENCE = fake.modules(FOLDER)


def run(check: Check, student: Student, seed: int = 1) -> fake.FakeSubject:
    settings = {key: value for key, value in ITEMS[check.item].items() if isinstance(value, float)}
    hw = fake.FakeSubject(student, REFERENCE, settings)
    np.random.seed(seed)
    check.function(hw, np.random.default_rng([seed, *check.name.encode()]))
    return hw


def failures(student: Student, checks: dict[str, Check] = CHECKS) -> dict[str, StudentError]:
    failed = {}
    for name, check in checks.items():
        try:
            run(check, student)
        except StudentError as error:
            failed[name] = error
    return failed


def test_rubric_and_checks_name_each_other() -> None:
    planned = {name: item["id"] for item in ITEMS.values() for name in item.get("checks", ())}
    runs = {check.name: check for module in RUNS for check in checks_of(module)}
    assert {name: check.item for name, check in (CHECKS | runs).items()} == planned


def test_reference_passes_every_check(student: Student) -> None:
    assert failures(student) == {}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_leaves_its_measures(name: str, student: Student) -> None:
    measures = run(CHECKS[name], student).measures
    assert measures
    assert len({measure.name for measure in measures}) == len(measures) or name == "f4_gradient"


def worst(seeds: range, student: Student) -> dict[str, float]:
    """check -> the largest measured error over its bar, over all seeds."""
    ratios: dict[str, float] = {}
    for seed in seeds:
        for name, check in CHECKS.items():
            errors = [m for m in run(check, student, seed).measures if "scale" not in m.name]  # chance, not round-off
            ratios[name] = max([ratios.get(name, 0.0), *(m.value / m.bound for m in errors)])
    return ratios


def test_right_work_stays_far_below_every_bar(student: Student) -> None:
    assert max(worst(range(5), student).values()) <= 0.1


def worst_of(seeds: range, folder: str) -> dict[str, float]:
    """`worst` of the reference, in a process and a working directory of its own."""
    os.chdir(folder)
    return worst(seeds, {name: namespace(module) for name, module in fake.modules(FOLDER).items()})


@pytest.mark.slow
def test_right_work_stays_far_below_every_bar_whatever_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No false rejection: a check that raised would end this test. Prints the worst error over its bar. BACKGRADE_SEEDS
    asks for more seeds than CI has time for; `just selftest` asks right work in other styles."""
    ratios: dict[str, float] = {}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        for found in executor.map(
            worst_of, (range(SEEDS // 2), range(SEEDS // 2, SEEDS)), map(str, (tmp_path, tmp_path.parent))
        ):
            ratios = {name: max(ratio, ratios.get(name, 0.0)) for name, ratio in found.items()}
    with capsys.disabled():
        print(f"\nworst error of {SEEDS:,} seeds over its bar")
        for name, ratio in sorted(ratios.items(), key=lambda pair: -pair[1]):
            print(f"{ratio:9.2e}  {name}")
    assert set(ratios) == set(CHECKS)
    assert max(ratios.values()) <= 0.1


def test_weights_that_repeat_others_or_mirror_them_are_not_drawn_one_by_one() -> None:
    drawn = np.random.default_rng(7).normal(size=50_000)
    task3_two_layer_net.expect_drawn_once(drawn)
    task3_two_layer_net.expect_drawn_once(drawn.astype(np.float32))
    for copied in (drawn, -drawn):
        with pytest.raises(Mismatch, match="of the weights of a new network repeat others"):
            task3_two_layer_net.expect_drawn_once(np.concatenate([drawn, copied[:10_000]]))
    columns = drawn[:16_200].reshape(180, 90)
    for column, says in ((columns[:, 1], "180 of the weights of a new network repeat"), (0, "180 .* are 0; draw each")):
        with pytest.raises(Mismatch, match=says):
            task3_two_layer_net.expect_drawn_once(np.c_[columns[:, 1:], columns[:, 0] * 0 + column].ravel())


@pytest.mark.parametrize("axis", [0, 1, None])
def test_weights_that_are_sorted_are_not_drawn_one_by_one(axis: int | None, student: Student) -> None:
    init = student["two_layer_net"].TwoLayerNet.__init__

    class Sorted(student["two_layer_net"].TwoLayerNet):  # type: ignore[name-defined, misc]
        def __init__(self, *sizes: Any, **named: Any) -> None:
            init(self, *sizes, **named)
            self.W1[...] = np.sort(self.W1, axis=axis).reshape(self.W1.shape)

    student["two_layer_net"].TwoLayerNet = Sorted
    with pytest.raises(Mismatch, match="come in an order: each depends on its neighbours"):
        run(CHECKS["net_parameters"], student)


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_fails_exactly_its_checks(name: str, student: Student) -> None:
    expected, apply = MISTAKES[name]
    apply(student)
    failed = failures(student)
    if name == "second_bias_left_out":  # whatever goes through the network's forward may follow it
        failed = {
            k: v for k, v in failed.items() if k in ("net_parameters", "net_forward", "net_backward", "net_save_load")
        }
    assert set(failed) == expected, {k: v.message for k, v in failed.items()}
    assert all(isinstance(error, Mismatch) for error in failed.values()), failed
    assert all(error.message and "\n" not in error.message for error in failed.values())


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        (mistakes.relu_times_x, "relu_backward", "multiplied by x, but the slope of x is 1"),
        (mistakes.relu_times_relu, "relu_backward", "multiplied by x, but the slope of x is 1"),
        (mistakes.softmax_adds_one, "softmax_loss_gradient", "the right class is added, not subtracted"),
        (network_skips_the_mask, "net_backward", "ReLU's mask is missing"),
        (
            mistakes.f3_gradients_exchanged,
            "f3_gradient_y1",
            "grad_s2: is the sign wrong, or are they exchanged",
        ),
        (mistakes.f1_gradients_exchanged, "f1_gradient", "it is grad_w1: is the order not grad_x1, grad_w1"),
        (mistakes.fc_gradients_exchanged, "fc_backward", "it is grad_b: the order is grad_x, grad_w, grad_b"),
        (mistakes.relu_takes_one_maximum, "relu_forward", "np.maximum compares each entry"),
        (mistakes.relu_inverted, "relu_backward", "the mask is inverted"),
        (mistakes.softmax_over_the_classes, "softmax_loss_value", "by the number of classes, not by N"),
        (mistakes.softmax_over_the_classes, "softmax_loss_gradient", "by the number of classes, not by N"),
        (mistakes.softmax_subtracts_in_every_row, "softmax_loss_gradient", "subtracts 1 in every row"),
        (mistakes.network_gives_probabilities, "net_forward", "they are probabilities"),
        (mistakes.biases_are_rows, "net_parameters", "the bias is a row (1, "),
        (mistakes.sizes_exchanged, "net_parameters", "are num_classes and hidden_dim exchanged?"),
        (mistakes.step_forgets_the_data, "training_step_gradient", "the gradient of the regularization alone"),
        (mistakes.step_subtracts_the_regularization, "training_step_gradient", "regularization is subtracted"),
        (mistakes.step_averages_the_regularization, "training_step_loss", "the regularization is divided by N"),
        (mistakes.step_takes_the_step, "training_step_gradient", "changed 'W1', 'W2', 'b1', 'b2' in place"),
        (mistakes.step_is_wrong_for_one_shape, "training_step_gradient", "of the regularization is missing"),
        (
            mistakes.f3_gradient_ignores_y,
            "f3_gradient_y2",
            "it is the one for y=1: is y left out, or are the two",
        ),
        (mistakes.softmax_counts_one_label_from_0, "softmax_loss_value", "for the class before y: is y changed"),
        (MISTAKES["l2_value_cuts_reg_to_whole_numbers"][1], "l2_value", "as if reg were cut to a whole number"),
        (mistakes.forward_shrinks_a_weight, "net_backward", "forward changed 'W1' in place"),
        (mistakes.forward_shrinks_a_weight, "net_predict", "forward changed 'W1' in place"),
        (mistakes.forward_shrinks_a_weight, "net_save_load", "forward changed 'W1' in place"),
        (mistakes.networks_share_their_arrays, "net_save_load", "another network changed 'W1', 'W2', 'b1', 'b2'"),
        (mistakes.step_cuts_its_loss, "training_step_loss", "is X ignored, or the answer kept, or cut?"),
        (mistakes.l2_cuts_reg, "l2_value", "as if reg were cut at 1"),
        (mistakes.l2_cuts_reg, "l2_gradient", "as if reg were cut at 1"),
        (mistakes.l2_halves_whole_numbers, "l2_value", "as if reg // 2 stood in the place of reg / 2"),
        (mistakes.softmax_cuts_the_scores, "softmax_loss_stable", "as if all scores were the same: are they cut"),
        (mistakes.relu_passes_what_is_positive_in_both, "relu_backward", "it is wrongly 0 there, and right elsewhere"),
        (mistakes.network_has_one_bias, "net_forward", "['b1'] shares memory with 'b2'"),
        (mistakes.network_has_one_bias_where_sizes_are_equal, "net_parameters", "['b1'] shares memory with 'b2'"),
        (mistakes.network_rounds_its_weights, "net_forward", "['W1'] is float16, which rounds to three digits"),
        (MISTAKES["hidden_dim_ignored"][1], "net_parameters", "is hidden_dim ignored? the network has 512 units"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_common_mistake_is_named(change: Patch, name: str, says: str, student: Student) -> None:
    change(student)
    with pytest.raises(Mismatch) as error:
        run(CHECKS[name], student)
    assert says in error.value.message


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        ("relu_forward", ["net_forward", "net_predict"]),
        ("fc_backward", ["net_backward"]),
        ("softmax_loss", ["training_step_loss", "training_step_gradient"]),
        ("l2_regularization", ["training_step_loss", "training_step_gradient"]),
    ],
)
def test_a_network_that_fails_by_a_wrong_layer_below_is_told_so(layer: str, names: list[str], student: Student) -> None:
    """And one that fails by itself is not."""
    if names[0].startswith("net_"):
        network(student, forward=lambda right, self, X: (-right.forward(self, X)[0], right.forward(self, X)[1]))
        network(student, backward=lambda right, self, g, c: {k: v + 1 for k, v in right.backward(self, g, c).items()})
    patch(student["train"], "training_step", lambda v, *_: (v[0] + 1, {k: g + 1 for k, g in v[1].items()}))
    for name in names:
        with pytest.raises(Mismatch) as alone:
            run(CHECKS[name], student)
        assert "fix that first" not in alone.value.message
    patch(student["layers"], layer, lambda v, *_: (2 * v[0], *v[1:]))
    for name in names:
        with pytest.raises(Mismatch) as below:
            run(CHECKS[name], student)
        assert f"Your {layer} is wrong (item 2." in below.value.message


def test_a_step_that_fails_by_a_wrong_network_is_told_so(student: Student) -> None:
    """By the network alone, though training_step itself is right."""
    network_skips_the_mask(student)
    with pytest.raises(Mismatch, match=r"Your TwoLayerNet.backward is wrong \(item 3.1\): fix that first"):
        run(CHECKS["training_step_gradient"], student)


def test_a_step_that_raises_by_a_wrong_layer_below_is_told_so(student: Student) -> None:
    """An exception has a line of its own, in a file that is right."""
    patch(student["layers"], "fc_backward", lambda v, *_: (v[0], v[1].T, v[2]))
    network(student, backward=lambda right, self, g, c: {k: v.T for k, v in right.backward(self, g, c).items()})
    with pytest.raises(Raised, match=r"training_step raised .* Your fc_backward is wrong \(item 2.1\): fix that first"):
        run(CHECKS["training_step_gradient"], student)


def stub(*args: Any) -> None:
    return None


STUBS: list[Callable[..., Any]] = [stub, lambda *args: (None, None)]


@pytest.mark.parametrize("empty", STUBS, ids=["None", "a pair of None"])
def test_stubs_are_not_implemented_yet(empty: Callable[..., Any], student: Student) -> None:
    for module in ("functions", "layers", "train"):
        for name in ("f1", "f2", "f3", "f4", *(n for n in vars(student[module]) if n.endswith(("ward", "step")))):
            setattr(student[module], name, empty)
    student["layers"].softmax_loss = student["layers"].l2_regularization = empty
    network(student, parameters=lambda right, self: None, forward=lambda right, self, X: empty())
    failed = failures(student)
    assert set(failed) == set(CHECKS)
    assert {type(error) for error in failed.values()} == {NotImplementedYet}


def test_gradients_in_one_vector_are_the_gradients(student: Student) -> None:
    for name in ("f1", "f2", "f3", "f4"):
        patch(student["functions"], name, lambda v, *_: (v[0], np.array(v[1])))
    assert failures(student, {name: check for name, check in CHECKS.items() if name.startswith("f")}) == {}
    patch(student["functions"], "f3", lambda v, *_: (v[0], v[1][:1]))
    with pytest.raises(Mismatch, match="1 value; expected 2"):
        run(CHECKS["f3_gradient_y1"], student)


def test_missing_f4_is_not_implemented_yet(student: Student) -> None:
    del student["functions"].f4
    with pytest.raises(NotImplementedYet, match="f4 is missing"):
        run(CHECKS["f4_gradient"], student)


def test_an_f4_with_more_inputs_than_are_checked_is_a_question(student: Student) -> None:
    many = (Parameter(f"x{i}", Parameter.POSITIONAL_ONLY) for i in range(250))
    student["functions"].f4 = f4 = lambda *v: (sum(v), (1.0,) * 250)
    f4.__signature__ = Signature(list(many))  # type: ignore[attr-defined]
    with pytest.raises(Undecided, match="f4 takes more than 64 inputs, and so many are not checked"):
        run(CHECKS["f4_gradient"], student)


def test_what_may_be_wrong_with_f4_is_thought_of_only_where_it_is_wrong(student: Student, monkeypatch: Any) -> None:
    def thought(*_: Any) -> Any:
        raise AssertionError("nothing is wrong")
        yield

    monkeypatch.setattr(task1_graphs, "own_clues", thought)
    student["functions"].f4 = lambda a, b: (a * b, (b, a))
    run(CHECKS["f4_gradient"], student)


@pytest.mark.parametrize(
    "f4",
    [
        lambda x: (x**3, (3 * x**2,)),
        lambda *v: (sum(a * a for a in v), tuple(2 * a for a in v)),
        lambda a, b, c: (np.exp(40 * a) * b + c, (40 * np.exp(40 * a) * b, np.exp(40 * a), 1.0)),
        lambda a, b: (max(a, b), (float(a > b), float(b > a))),
        lambda a, b, power=2: (a * b**power, (b**power, power * a * b ** (power - 1))),
        lambda a, b=2.0, *more: (a * b, (b, a)),
    ],
    ids=["one input", "any number", "steep", "a kink", "a setting", "two inputs and any number"],
)
def test_f4_of_any_form_is_accepted(f4: Callable[..., Any], student: Student) -> None:
    student["functions"].f4 = f4
    run(CHECKS["f4_gradient"], student)


def test_what_f4_gives_beside_its_gradients_is_no_input(student: Student) -> None:
    many = (1.0,) * (task1_graphs.MOST_INPUTS + 1)
    odd = [(lambda a, b: (a * b, (b, a, 1.0)), 2), (lambda a, b: (a * b, (b,)), 2), (lambda *v: (sum(v), many), 1)]
    for f4, inputs in odd:
        student["functions"].f4 = f4
        with pytest.raises(Mismatch, match=f"f4 .*expected {inputs}"):
            run(CHECKS["f4_gradient"], student)


def test_log_p_passes_with_advice_only(student: Student) -> None:
    def softmax_loss(x: Any, y: Any) -> Any:
        rows = np.arange(len(x))
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            loss = -np.log(p[rows, y]).mean()
        p[rows, y] -= 1
        return np.array(loss), p / len(x)

    student["layers"].softmax_loss = softmax_loss
    assert "softmax_loss" not in " ".join(failures(student))
    assert any("log(sum(exp" in sentence for sentence in run(CHECKS["softmax_loss_stable"], student).advice)


def test_a_constant_that_keeps_log_p_and_1_over_p_finite_costs_nothing_whatever_is_drawn(student: Student) -> None:
    def softmax_loss(x: Any, y: Any) -> Any:
        rows = np.arange(len(x))
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        grad_p = np.zeros_like(p)
        grad_p[rows, y] = -1 / (p[rows, y] + 1e-12) / len(x)
        grad_x = p * (grad_p - (grad_p * p).sum(axis=1, keepdims=True))
        return -np.log(p[rows, y] + 1e-12).mean(), grad_x

    given = student["train"].training_step
    student["layers"].softmax_loss = softmax_loss
    student["train"].training_step = FunctionType(given.__code__, {**given.__globals__, "softmax_loss": softmax_loss})
    for seed in range(20):
        for name in (name for name, check in CHECKS.items() if check.item in ("2.3", "4.1")):
            assert not any("one row" in sentence for sentence in run(CHECKS[name], student, seed).advice)


def test_a_softmax_that_raises_on_underflow_is_only_advised(student: Student) -> None:
    right = student["layers"].softmax_loss

    def softmax_loss(x: Any, y: Any) -> Any:
        if right(x, y)[0] > 1000:
            raise FloatingPointError("divide by zero encountered in log")
        return right(x, y)

    student["layers"].softmax_loss = softmax_loss
    assert run(CHECKS["softmax_loss_stable"], student).advice


def test_overwriting_a_layers_input_is_advised_not_punished(student: Student) -> None:
    right = student["layers"].softmax_loss

    def softmax_loss(x: Any, y: Any) -> Any:
        x -= x.max(axis=1, keepdims=True)
        return right(x, y)

    student["layers"].softmax_loss = softmax_loss
    assert failures(student) == {}
    assert any("in place" in sentence for sentence in run(CHECKS["softmax_loss_value"], student).advice)


def test_a_network_of_one_class_breaks_no_check(student: Student) -> None:
    def init(right, self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        right.__init__(self, input_dim, 1, hidden_dim, weight_scale)

    network(student, __init__=init)
    assert set(failures(student, {name: CHECKS[name] for name in CHECKS if name.startswith("net_")})) == {
        "net_parameters"
    }


def test_float32_parameters_are_accepted(student: Student) -> None:
    def init(right: Any, self: Any, *args: Any, **named: Any) -> None:
        right.__init__(self, *args, **named)
        for name, array in vars(self).items():
            setattr(self, name, array.astype(np.float32))

    network(student, __init__=init)
    assert failures(student, {name: CHECKS[name] for name in ("net_parameters", "net_forward", "net_backward")}) == {}


def test_a_step_with_float32_parameters_is_judged_as_precisely_as_they_are(student: Student) -> None:
    def init(right: Any, self: Any, *args: Any, **named: Any) -> None:
        right.__init__(self, *args, **named)
        for name, array in vars(self).items():
            setattr(self, name, array.astype(np.float32))

    network(student, __init__=init)
    for name in ("training_step_loss", "training_step_gradient", "training_step_biases"):
        assert any("make them float64" in sentence for sentence in run(CHECKS[name], student).advice)
    MISTAKES["step_loss_without_regularization"][1](student)
    with pytest.raises(Mismatch, match="the regularization is missing"):
        run(CHECKS["training_step_loss"], student)


def test_a_student_who_raises_is_told_so(student: Student) -> None:
    student["layers"].fc_forward = lambda x, w: None
    with pytest.raises(Raised):
        run(CHECKS["fc_forward"], student)


def test_gradient_of_a_wrong_forward_is_told_apart(student: Student) -> None:
    l2 = student["layers"].l2_regularization
    student["layers"].l2_regularization = lambda w, reg: tuple(3 * part for part in l2(w, reg))
    assert "your forward" in failures(student)["l2_gradient"].message


HOSTILE: list[Any] = [
    0,
    1.5,
    "text",
    [],
    {},
    (1, 2, 3, 4),
    np.array([np.nan]),
    np.array(["a"]),
    np.array(1j),
    10**400,
    np.array(True),
    np.zeros(0),
    object(),
    (np.inf,) * 2,
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_no_answer_of_any_kind_escapes_as_a_fault_of_ours(value: Any, student: Student) -> None:
    for module in ("functions", "layers", "train"):
        for name, there in list(vars(student[module]).items()):
            if callable(there):
                setattr(student[module], name, lambda *args: value)
    answer = lambda right, self, *args: value  # noqa: E731
    network(student, forward=answer, backward=answer, predict=answer)
    assert set(failures(student)) >= set(CHECKS) - {"net_parameters"}
    network(student, parameters=answer)
    assert set(failures(student)) == set(CHECKS)


def test_a_parameter_too_many_fails_the_check_of_the_parameters_alone(student: Student) -> None:
    """And so does one that is no parameter; what is left is told apart as before."""
    for more in ({"scale": np.ones(1)}, {"scale": np.ones((4, 4))}, {"W3": np.ones((3, 3)), "b3": np.ones(3)}):
        network(student, parameters=lambda right, self, more=more: right.parameters(self) | more)
        network(student, backward=lambda right, self, g, c, more=more: right.backward(self, g, c) | more)
        failed = failures(student, {name: CHECKS[name] for name in ("net_parameters", "net_forward", "net_backward")})
        assert set(failed) == {"net_parameters"}
        assert f"holds {4 + len(more)} entries; expected two weights and two biases" in failed["net_parameters"].message
        student["two_layer_net"].TwoLayerNet = student["two_layer_net"].TwoLayerNet.__mro__[2]


@pytest.mark.parametrize("dtype", [str, complex, bool, int])
def test_parameters_of_another_kind_are_a_mismatch(dtype: type, student: Student) -> None:
    def parameters(right: Any, self: Any) -> Any:
        return {key: array.astype(dtype) for key, array in right.parameters(self).items()}

    network(student, parameters=parameters)
    with pytest.raises(Mismatch, match="array of floats"):
        run(CHECKS["net_parameters"], student)


def test_drawing_ends_for_every_size_that_is_drawn() -> None:
    """A row near 0 or a unit that is never on is drawn again, and some draw is as wanted: 300 runs of each."""
    for seed in range(300):
        rng = np.random.default_rng(seed)
        for sizes in (*task4_training_step.network.draw_sizes(rng), task4_training_step.network.one_row(rng)):
            for biases in (0.0, 0.5, 3.0):
                asked = (sizes.batch, sizes.inputs, sizes.classes, sizes.hidden)
                REFERENCE["answers"].draw(seed, asked, biases, False)


@pytest.mark.parametrize("judged", [False, True])
def test_a_cache_may_serve_one_backward_pass_but_not_change_the_weights(judged: bool, student: Student) -> None:
    layers = student["layers"]
    forward, backward = layers.fc_forward, layers.fc_backward

    def once(grad_out: Any, cache: Any) -> Any:
        grads = backward(grad_out, tuple(cache))
        if judged:
            cache[1][...] *= 0.99
        else:
            cache.clear()
        return grads

    layers.fc_forward = lambda *args: (forward(*args)[0], list(forward(*args)[1]))
    layers.fc_backward = once
    if judged:
        with pytest.raises(Mismatch, match="asked again is wrong"):
            run(CHECKS["fc_backward"], student)
    else:
        assert "the cache of fc_forward serves one backward pass alone" in run(CHECKS["fc_backward"], student).advice[0]


def test_a_mask_that_its_backward_pass_changes_is_wrong_the_second_time(student: Student) -> None:
    layers = student["layers"]
    layers.relu_forward = lambda x: (np.maximum(x, 0), (x > 0) * 1.0)

    def backward(grad_out: Any, cache: Any) -> Any:
        cache *= grad_out
        return cache

    layers.relu_backward = backward
    with pytest.raises(Mismatch, match="asked again is wrong"):
        run(CHECKS["relu_backward"], student)


@pytest.mark.parametrize("judged", [False, True])
def test_a_networks_cache_may_serve_one_backward_pass_but_not_give_another_answer_then(
    judged: bool, student: Student
) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        scores, cache = right.forward(self, X)
        return scores, [cache, np.ones(1)]

    def backward(right: Any, self: Any, grad: Any, cache: Any) -> Any:
        grads = {name: value * cache[1] for name, value in right.backward(self, grad, cache[0]).items()}
        if judged:
            cache[1] *= 2
        else:
            cache.clear()
        return grads

    network(student, forward=forward, backward=backward)
    if judged:
        with pytest.raises(Mismatch, match=r"asked again is wrong.*does backward change its cache"):
            run(CHECKS["net_backward"], student)
    else:
        assert "the cache of forward serves one backward pass alone" in run(CHECKS["net_backward"], student).advice[0]
