"""Mistakes of students, each a patch of the reference, and the checks that it must fail, no more and no fewer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from grader.homework import task3_two_layer_net, task4_training_step
from grader.homework.recorded import recorded
from grader.loading import checks_of

Student = dict[str, Any]
Patch = Callable[[Student], None]
MISTAKES: dict[str, tuple[set[str], Patch]] = {}


def mistake(*checks: str) -> Callable[[Patch], Patch]:
    def add(patch: Patch) -> Patch:
        MISTAKES[patch.__name__] = (set(checks), patch)
        return patch

    return add


def changed(function: Callable[..., Any], change: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, its returned value passed through `change(value, *args)`."""
    return lambda *args: change(function(*args), *args)


def patch(module: Any, name: str, change: Callable[..., Any]) -> None:
    setattr(module, name, changed(getattr(module, name), change))


RECORDED = recorded(Path(__file__).resolve().parents[2] / "fixtures" / "backprop-data.pkl")
BY_HEART = {point for y in (1, 2) for point in RECORDED[f"f3 (y={y})"]["inputs"]}


@mistake("f3_gradient_y2")
def f3_choose_ignored_in_backward(s: Student) -> None:
    f3 = s["functions"].f3
    s["functions"].f3 = lambda s1, s2, y: (f3(s1, s2, y)[0], f3(s1, s2, 1)[1])


@mistake("f3_forward_recorded", "f3_forward_fresh", "f3_gradient_y1", "f3_gradient_y2")
def f3_constant_with_matching_zero_gradient(s: Student) -> None:
    s["functions"].f3 = lambda s1, s2, y: (0.0, (0.0, 0.0))


@mistake("f3_gradient_y1", "f3_gradient_y2")
def f3_without_a_gradient_for_equal_inputs(s: Student) -> None:
    patch(s["functions"], "f3", lambda v, s1, s2, y: v if s1 != s2 else (v[0], (0.0, 0.0)))


@mistake("f3_forward_recorded", "f3_forward_fresh")
def f3_recorded_by_heart(s: Student) -> None:
    patch(s["functions"], "f3", lambda v, s1, s2, y: v if (s1, s2) in BY_HEART else (0.5, v[1]))


@mistake("f3_gradient_y1", "f3_gradient_y2")
def f3_without_small_gradients(s: Student) -> None:
    patch(s["functions"], "f3", lambda v, *_: (v[0], tuple(part if abs(part) > 1e-6 else 0.0 for part in v[1])))


@mistake("f1_gradient")
def f1_without_grad_y(s: Student) -> None:
    patch(s["functions"], "f1", lambda v, *_: (v[0], v[1][:5]))


@mistake("f2_gradient")
def f2_gradient_not_in_a_tuple(s: Student) -> None:
    patch(s["functions"], "f2", lambda v, *_: (v[0], v[1][0]))


@mistake("f4_gradient")
def f4_constant(s: Student) -> None:
    s["functions"].f4 = lambda a, b: (1.0, (0.0, 0.0))


@mistake("f4_gradient")
def f4_wrong_sign(s: Student) -> None:
    s["functions"].f4 = lambda a, b: (a * b, (b, -a))


@mistake("fc_backward")
def grad_b_of_shape_1_by_dout(s: Student) -> None:
    patch(s["layers"], "fc_backward", lambda v, *_: (v[0], v[1], v[2].reshape(1, -1)))


@mistake("fc_backward")
def fc_backward_averages(s: Student) -> None:
    patch(s["layers"], "fc_backward", lambda v, g, _: (v[0], v[1] / len(g), v[2]))


@mistake("fc_forward")
def fc_without_bias(s: Student) -> None:
    patch(s["layers"], "fc_forward", lambda v, x, w, b: (v[0] - b, v[1]))


@mistake("fc_forward")
def fc_without_bias_where_one_is_0(s: Student) -> None:
    patch(s["layers"], "fc_forward", lambda v, x, w, b: (v[0] if b.all() or not b.any() else v[0] - b, v[1]))


@mistake("fc_forward", "fc_backward")
def fc_constant_with_matching_zero_gradient(s: Student) -> None:
    s["layers"].fc_forward = lambda x, w, b: (np.zeros((len(x), len(b))), (x, w, b))
    s["layers"].fc_backward = lambda g, cache: tuple(np.zeros_like(a) for a in cache)


@mistake("fc_forward", "fc_backward")
def fc_forward_without_a_cache(s: Student) -> None:
    patch(s["layers"], "fc_forward", lambda v, *_: v[0])


@mistake("fc_backward")
def fc_cache_of_the_last_forward(s: Student) -> None:
    fc_forward, fc_backward, last = s["layers"].fc_forward, s["layers"].fc_backward, {}

    def forward(x: Any, w: Any, b: Any) -> Any:
        out, last["cache"] = fc_forward(x, w, b)
        return out, 0

    s["layers"].fc_forward = forward
    s["layers"].fc_backward = lambda g, cache: fc_backward(g, last["cache"])


def without_small(value: Any) -> Any:
    return np.where(np.abs(value) < 1e-6, 0.0, value)


@mistake("fc_forward")
def fc_without_small_numbers(s: Student) -> None:
    patch(s["layers"], "fc_forward", lambda v, *_: (without_small(v[0]), v[1]))


@mistake("fc_backward")
def fc_without_small_gradients(s: Student) -> None:
    patch(s["layers"], "fc_backward", lambda v, *_: (v[0], v[1], without_small(v[2])))


@mistake("fc_backward")
def fc_without_small_gradients_of_x(s: Student) -> None:
    patch(s["layers"], "fc_backward", lambda v, *_: (without_small(v[0]), *v[1:]))


@mistake("relu_backward")
def relu_without_small_gradients(s: Student) -> None:
    patch(s["layers"], "relu_backward", lambda v, *_: without_small(v))


@mistake("softmax_loss_gradient")
def softmax_without_small_gradients(s: Student) -> None:
    patch(s["layers"], "softmax_loss", lambda v, *_: (v[0], without_small(v[1])))


@mistake("softmax_loss_value")
def softmax_cuts_what_is_unlikely(s: Student) -> None:
    def change(value: Any, x: Any, y: Any) -> Any:
        p = np.exp(x - x.max(axis=1, keepdims=True))
        p = (p / p.sum(axis=1, keepdims=True))[np.arange(len(y)), y]
        return -np.log(np.maximum(p, 1e-6)).mean(), value[1]

    patch(s["layers"], "softmax_loss", change)


@mistake("l2_value", "l2_gradient")
def l2_ignores_a_small_reg(s: Student) -> None:
    l2 = s["layers"].l2_regularization
    s["layers"].l2_regularization = lambda w, reg: l2(w, reg if reg > 1e-6 else 0.0)


@mistake("l2_value")
def l2_value_cuts_reg_to_whole_numbers(s: Student) -> None:
    l2 = s["layers"].l2_regularization
    s["layers"].l2_regularization = lambda w, reg: (l2(w, int(reg) if reg > 1 else reg)[0], l2(w, reg)[1])


@mistake("fc_forward")
def fc_changes_the_weights(s: Student) -> None:
    fc_forward = s["layers"].fc_forward

    def forward(x: Any, w: Any, b: Any) -> Any:
        value = fc_forward(x, w.copy(), b)
        w *= 2
        return value

    s["layers"].fc_forward = forward


@mistake("relu_backward")
def relu_unmasked(s: Student) -> None:
    s["layers"].relu_backward = lambda g, cache: g


@mistake("relu_forward")
def relu_left_out(s: Student) -> None:
    patch(s["layers"], "relu_forward", lambda v, x: (x, v[1]))


@mistake("fc_backward")
def fc_backward_is_wrong_where_no_upstream_gradient_is_negative(s: Student) -> None:
    patch(s["layers"], "fc_backward", lambda v, grad, cache: v if grad.min() < 0 else (v[0], v[1] + 1, v[2]))


@mistake("softmax_loss_value")
def softmax_sums_in_value_only(s: Student) -> None:
    patch(
        s["layers"],
        "softmax_loss",
        lambda v, x, y: (v[0] * len(x) if np.ptp(x) < 100 and abs(x).max() < 100 else v[0], v[1]),
    )


@mistake("softmax_loss_gradient", "softmax_loss_stable")
def softmax_gradient_without_mean(s: Student) -> None:
    patch(s["layers"], "softmax_loss", lambda v, x, y: (v[0], v[1] * len(x)))


@mistake("softmax_loss_gradient")
def softmax_without_a_gradient_for_scores_of_0(s: Student) -> None:
    patch(s["layers"], "softmax_loss", lambda v, x, y: v if x.any() else (v[0], 0 * v[1]))


@mistake("softmax_loss_stable")
def softmax_overflows(s: Student) -> None:
    def softmax_loss(x: Any, y: Any) -> Any:
        rows = np.arange(len(x))
        with np.errstate(all="ignore"):
            p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
            loss = -np.log(p[rows, y]).mean()
        p[rows, y] -= 1
        return loss, p / len(x)

    s["layers"].softmax_loss = softmax_loss


@mistake("l2_value")
def l2_without_half(s: Student) -> None:
    patch(s["layers"], "l2_regularization", lambda v, w, reg: (2 * v[0], v[1]))


@mistake("l2_gradient")
def l2_gradient_doubled(s: Student) -> None:
    patch(s["layers"], "l2_regularization", lambda v, w, reg: (v[0], 2 * v[1]))


@mistake("l2_value", "l2_gradient")
def l2_ignores_reg(s: Student) -> None:
    l2 = s["layers"].l2_regularization
    s["layers"].l2_regularization = lambda w, reg: l2(w, 1.0)


def network(s: Student, **methods: Any) -> None:
    """Methods of the student's TwoLayerNet; each gets the right class as its first argument."""
    right = s["two_layer_net"].TwoLayerNet
    bound = {
        name: (lambda method: lambda self, *args, **named: method(right, self, *args, **named))(m)
        for name, m in methods.items()
    }
    s["two_layer_net"].TwoLayerNet = type("TwoLayerNet", (right,), bound)


NET = {check.name for task in (task3_two_layer_net, task4_training_step) for check in checks_of(task)}


@mistake("net_parameters")
def hidden_dim_ignored(s: Student) -> None:
    def init(right, self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        right.__init__(self, input_dim, num_classes, 512, weight_scale)

    network(s, __init__=init)


@mistake("net_parameters")
def weight_scale_ignored(s: Student) -> None:
    def init(right, self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        right.__init__(self, input_dim, num_classes, hidden_dim, 1e-3)

    network(s, __init__=init)


@mistake("net_parameters")
def whole_weight_scale_doubled(s: Student) -> None:
    def init(right, self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        right.__init__(self, input_dim, num_classes, hidden_dim, weight_scale * (1 + (weight_scale % 1 == 0)))

    network(s, __init__=init)


@mistake("net_parameters")
def weights_uniform_from_zero_to_scale(s: Student) -> None:
    def init(right, self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        right.__init__(self, input_dim, num_classes, hidden_dim, weight_scale)
        for array in self.parameters().values():
            if array.ndim == 2:
                array[...] = np.random.rand(*array.shape) * weight_scale

    network(s, __init__=init)


@mistake(*NET)
def parameters_are_copies(s: Student) -> None:
    network(s, parameters=lambda right, self: {k: v.copy() for k, v in right.parameters(self).items()})


@mistake("net_forward", "net_save_load")
def second_bias_left_out(s: Student) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        scores, cache = right.forward(self, X)
        bias = next(p for p in self.parameters().values() if p.shape == scores.shape[1:])
        return scores - bias, cache

    # predict and training_step go through the patched forward as well; their own checks are not the point here
    network(s, forward=forward)


@mistake("net_backward", "training_step_biases")
def one_bias_gradient_forgotten(s: Student) -> None:
    def backward(right: Any, self: Any, grad: Any, cache: Any) -> Any:
        return {k: v if v.shape != grad.shape[1:] else 0 * v for k, v in right.backward(self, grad, cache).items()}

    network(s, backward=backward)


@mistake("net_backward")
def backward_knows_the_latest_batch_size(s: Student) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        self.rows = len(X)
        return right.forward(self, X)

    def backward(right: Any, self: Any, grad: Any, cache: Any) -> Any:
        grads = right.backward(self, grad, cache)
        return grads | {"b2": grad[: self.rows].sum(axis=0)}

    network(s, forward=forward, backward=backward)


@mistake("net_forward", "net_save_load")
def forward_rounds_its_weights(s: Student) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        rounded = right.__new__(right)
        vars(rounded).update({k: v.astype(np.float32).astype(float) for k, v in vars(self).items()})
        return right.forward(rounded, X)

    network(s, forward=forward)


@mistake("net_save_load")
def save_rounds(s: Student) -> None:
    def save(right: Any, self: Any, filename: str) -> None:
        rounded = right.__new__(right)
        vars(rounded).update({k: v.astype(np.float32).astype(float) for k, v in vars(self).items()})
        right.save(rounded, filename)

    network(s, save=save)


@mistake("net_save_load")
def load_gives_the_first_again(s: Student) -> None:
    kept: list[Any] = []

    def load(right: Any, filename: str) -> Any:
        kept.append(right.load(filename))
        return kept[0]

    right = s["two_layer_net"].TwoLayerNet
    network(s)
    s["two_layer_net"].TwoLayerNet.load = lambda filename: load(right, filename)


@mistake("net_backward", "training_step_biases")
def backward_masks_with_a_threshold(s: Student) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        scores, cache = right.forward(self, X)
        return scores, (cache, X)

    def backward(right: Any, self: Any, grad: Any, cache: Any) -> Any:
        grads = right.backward(self, grad, cache[0])
        hidden = grad @ self.W2.T * (cache[1] @ self.W1 + self.b1 > 1e-3)
        return grads | {"W1": cache[1].T @ hidden, "b1": hidden.sum(axis=0)}

    network(s, forward=forward, backward=backward)


@mistake("net_predict")
def predict_gives_the_lowest(s: Student) -> None:
    network(s, predict=lambda right, self, X: np.argmin(self.forward(X)[0], axis=1))


@mistake("net_forward", "net_backward")
def network_ends_where_no_x_is_above_0(s: Student) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        return right.forward(self, X if (X > 0).any() else 0 * X)

    network(s, forward=forward)


@mistake("net_predict")
def predict_rounds_the_scores(s: Student) -> None:
    network(s, predict=lambda right, self, X: right.forward(self, X)[0].round(1).argmax(axis=1))


@mistake("net_predict")
def predict_knows_no_eleventh_class(s: Student) -> None:
    network(s, predict=lambda right, self, X: right.predict(self, X) % 10)


@mistake("net_predict")
def predict_keeps_its_first_answer(s: Student) -> None:
    kept: dict[tuple[int, int], Any] = {}
    network(s, predict=lambda right, self, X: kept.setdefault((id(self), len(X)), right.predict(self, X)))


@mistake("training_step_loss", "training_step_gradient", "training_step_biases")
def step_changes_a_bias(s: Student) -> None:
    def change(value: Any, model: Any, *_: Any) -> Any:
        model.b2 -= 1e-3 * value[1]["b2"]
        return value

    patch(s["train"], "training_step", change)


@mistake("training_step_gradient")
def step_learns_nothing_from_what_is_right(s: Student) -> None:
    step = s["train"].training_step

    def training_step(model: Any, X: Any, y: Any, reg: float) -> Any:
        loss, grads = step(model, X, y, reg)
        scores = model.forward(X)[0]
        learned = not np.array_equal(scores.argmax(axis=1), y) or scores.max() > 4  # not where p is 1 anyway
        return loss, {k: v * learned for k, v in grads.items()}

    s["train"].training_step = training_step


@mistake("training_step_loss")
def step_loss_without_regularization(s: Student) -> None:
    step = s["train"].training_step
    s["train"].training_step = lambda m, X, y, reg: (step(m, X, y, 0.0)[0], step(m, X, y, reg)[1])


@mistake("training_step_gradient")
def step_gradient_without_regularization(s: Student) -> None:
    step = s["train"].training_step
    s["train"].training_step = lambda m, X, y, reg: (step(m, X, y, reg)[0], step(m, X, y, 0.0)[1])


@mistake("training_step_biases")
def step_regularizes_biases(s: Student) -> None:
    def change(value: Any, model: Any, X: Any, y: Any, reg: float) -> Any:
        loss, grads = value
        for key, array in model.parameters().items():
            if array.ndim == 1:
                loss, grads[key] = loss + reg / 2 * (array**2).sum(), grads[key] + reg * array
        return loss, grads

    patch(s["train"], "training_step", change)


# Those whose sentence names the mistake itself


def softmax_counts_one_label_from_0(s: Student) -> None:
    softmax_loss = s["layers"].softmax_loss
    s["layers"].softmax_loss = lambda x, y: softmax_loss(x, y - y.min() * (y == y[0]).all())


def forward_shrinks_a_weight(s: Student) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        value = right.forward(self, X)
        self.W1 *= 0.999
        return value

    network(s, forward=forward)


def networks_share_their_arrays(s: Student) -> None:
    kept: dict[Any, Any] = {}

    def begin(right: Any, self: Any, *args: Any, **named: Any) -> None:
        right.__init__(self, *args, **named)
        vars(self).update(kept.setdefault(self.W1.shape + self.W2.shape, dict(vars(self))))

    network(s, __init__=begin)


def step_cuts_its_loss(s: Student) -> None:
    patch(s["train"], "training_step", lambda v, *_: (min(v[0], 100.0), v[1]))


def relu_times_x(s: Student) -> None:
    patch(s["layers"], "relu_forward", lambda v, x: (v[0], x))
    patch(s["layers"], "relu_backward", lambda v, g, cache: g * cache)


def relu_times_relu(s: Student) -> None:
    patch(s["layers"], "relu_forward", lambda v, x: (v[0], x))
    patch(s["layers"], "relu_backward", lambda v, g, cache: g * np.maximum(cache, 0))


def softmax_adds_one(s: Student) -> None:
    def change(value: Any, x: Any, y: Any) -> Any:
        return value[0], value[1] + 2 * np.eye(x.shape[1])[y] / len(x)

    patch(s["layers"], "softmax_loss", change)


def network_skips_the_mask(s: Student) -> None:
    def backward(right: Any, self: Any, grad: Any, cache: Any) -> Any:
        (cache, X), hidden = cache, grad @ self.W2.T
        return right.backward(self, grad, cache) | {"W1": X.T @ hidden, "b1": hidden.sum(axis=0)}

    def forward(right: Any, self: Any, X: Any) -> Any:
        scores, cache = right.forward(self, X)
        return scores, (cache, X)

    network(s, backward=backward, forward=forward)


def f3_gradients_exchanged(s: Student) -> None:
    patch(s["functions"], "f3", lambda v, *_: (v[0], v[1][::-1]))


def f1_gradients_exchanged(s: Student) -> None:
    patch(s["functions"], "f1", lambda v, *_: (v[0], (*v[1][1::-1], *v[1][2:])))


def fc_gradients_exchanged(s: Student) -> None:
    patch(s["layers"], "fc_backward", lambda v, *_: (v[0], v[2], v[1]))


def relu_takes_one_maximum(s: Student) -> None:
    patch(s["layers"], "relu_forward", lambda v, x: (np.max(x, 0), v[1]))


def relu_inverted(s: Student) -> None:
    patch(s["layers"], "relu_backward", lambda v, g, cache: g - v)


def softmax_over_the_classes(s: Student) -> None:
    patch(s["layers"], "softmax_loss", lambda v, x, y: tuple(part * len(x) / x.shape[1] for part in v))


def softmax_subtracts_in_every_row(s: Student) -> None:
    def change(value: Any, x: Any, y: Any) -> Any:
        grad = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        grad[:, y] -= 1
        return value[0], grad / len(x)

    patch(s["layers"], "softmax_loss", change)


def network_gives_probabilities(s: Student) -> None:
    def forward(right: Any, self: Any, X: Any) -> Any:
        scores, cache = right.forward(self, X)
        return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), cache

    network(s, forward=forward)


def biases_are_rows(s: Student) -> None:
    def parameters(right: Any, self: Any) -> Any:
        return {k: v if v.ndim == 2 else v.reshape(1, -1) for k, v in right.parameters(self).items()}

    network(s, parameters=parameters)


def sizes_exchanged(s: Student) -> None:
    network(s, __init__=lambda right, self, d=3072, h=512, c=10, scale=1e-3: right.__init__(self, d, c, h, scale))


def step_with(s: Student, change: Callable[[Any, Any, Any, Any], Any]) -> None:
    """training_step as `change(with regularization, without it, model, X)` makes it of the right answers."""
    step = s["train"].training_step
    s["train"].training_step = lambda m, X, y, reg: change(step(m, X, y, reg), step(m, X, y, 0.0), m, X)


def step_forgets_the_data(s: Student) -> None:
    step_with(
        s,
        lambda full, bare, m, X: (
            full[0],
            {k: full[1][k] - (m.parameters()[k].ndim == 2) * bare[1][k] for k in bare[1]},
        ),
    )


def step_subtracts_the_regularization(s: Student) -> None:
    step_with(s, lambda full, bare, m, X: (full[0], {k: 2 * bare[1][k] - full[1][k] for k in bare[1]}))


def f3_gradient_ignores_y(s: Student) -> None:
    f3 = s["functions"].f3
    s["functions"].f3 = lambda s1, s2, y: (f3(s1, s2, y)[0], f3(s1, s2, 1)[1])


def l2_cuts_reg(s: Student) -> None:
    l2 = s["layers"].l2_regularization
    s["layers"].l2_regularization = lambda w, reg: l2(w, min(reg, 1.0))


def l2_halves_whole_numbers(s: Student) -> None:
    l2 = s["layers"].l2_regularization
    s["layers"].l2_regularization = lambda w, reg: l2(w, reg // 2 * 2 if isinstance(reg, int) else reg)


def softmax_cuts_the_scores(s: Student) -> None:
    softmax_loss = s["layers"].softmax_loss
    s["layers"].softmax_loss = lambda x, y: softmax_loss(np.clip(x, -500, 500), y)


def relu_passes_what_is_positive_in_both(s: Student) -> None:
    patch(s["layers"], "relu_backward", lambda v, *_: np.maximum(v, 0))


def network_has_one_bias(s: Student) -> None:
    def begin(right: Any, self: Any, *args: Any, **named: Any) -> None:
        right.__init__(self, *args, **named)
        if self.b1.shape == self.b2.shape:
            self.b2 = self.b1

    network(s, __init__=begin)


def network_has_one_bias_where_sizes_are_equal(s: Student) -> None:
    def begin(right: Any, self: Any, *args: Any, **named: Any) -> None:
        right.__init__(self, *args, **named)
        self.b2 = self.b1 if self.b1.shape == self.b2.shape else self.b2

    network(s, __init__=begin)


def network_rounds_its_weights(s: Student) -> None:
    def begin(right: Any, self: Any, *args: Any, **named: Any) -> None:
        right.__init__(self, *args, **named)
        self.W1 = self.W1.astype(np.float16)

    network(s, __init__=begin)


def step_averages_the_regularization(s: Student) -> None:
    step_with(s, lambda full, bare, m, X: (bare[0] + (full[0] - bare[0]) / len(X), full[1]))


def step_takes_the_step(s: Student) -> None:
    def change(value: Any, model: Any, *_: Any) -> Any:
        for key, array in model.parameters().items():
            array -= 0.01 * value[1][key]
        return value

    patch(s["train"], "training_step", change)


def step_is_wrong_for_one_shape(s: Student) -> None:
    """Only with regularization and seven images."""
    step_with(s, lambda full, bare, m, X: (full[0], (bare if len(X) == 7 else full)[1]))
