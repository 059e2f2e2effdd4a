"""What known mistakes would give: for each function a list of (sentence, array). The arguments are those of a check,
and each array has the shape of the right answer. Never handed out: whoever knows the mistake knows the solution.
"""

import graph_mistakes
import numpy as np
from answers import gradients, loss, relu_gradient, scores, step
from layers import fc_backward, fc_forward, l2_regularization, softmax_loss

LATEST = "it belongs to the latest {}, not to the cache that was passed"
FC_BACKWARD = ("grad_x", "grad_w", "grad_b")
NEXT_CLASS = "it is right for the class before y: labels count from 0"
OVER_ROWS = "np.exp is summed over axis 0, not over the classes, axis 1"
BY_CLASSES = "it is divided by the number of classes, not by N"
OVERWRITTEN = "only the last {} counts: is = in the place of +=?"

THRESHOLDS = (0.001, 0.01, 0.1, 0.5, 1.0)
FAR = 20.0  # inputs of a graph
LIMITS = (1.0, 2.0, 3.0, 5.0, 6.0, 10.0, 20.0, 50.0, 100.0)


def graph_outputs(name, points, y=1):
    """Of f1, f2 or f3 at `points` (N, inputs); NaN at points that are far, where digits are lost."""
    return [(said, near(value, points)) for said, value in graph_mistakes.outputs(name, points, y)]


def graph_gradients(name, points, i, y=1):
    """The same of the gradient with respect to the i-th input."""
    return [(said, near(value, points)) for said, value in graph_mistakes.gradients(name, points, i, y)]


def near(values, points):
    return np.where(np.abs(points).max(axis=1) > FAR, np.nan, values)


def given(function, args, names):
    """What `function(*args)` gives where one of its arrays is not used as it was given."""
    for at, name in enumerate(names):
        x = args[at]
        made = [
            (f"as if {name} were cut to whole numbers", np.trunc(x)),
            (f"as if the signs of {name} were lost: |{name}|", np.abs(x)),
            (f"as if the sign of {name} were wrong", -x),
        ]
        made += [
            (f"as if {name} were cut at {limit:g}", np.clip(x, -limit, limit))
            for limit in LIMITS
            if limit < np.abs(x).max()
        ]
        for said, value in made:
            with np.errstate(all="ignore"):
                answer = np.asarray(function(*args[:at], value, *args[at + 1 :]))
            if answer.any():  # many mistakes come to 0
                yield said, answer


def fc_forward_given(x, w, b):
    return list(given(lambda *args: fc_forward(*args)[0], (x, w, b), ("x", "w", "b")))


def fc_backward_given(i, grad_out, args):
    x, w, _ = args
    overwritten = [
        [(OVERWRITTEN.format("output"), grad_out[:, -1:] * w[:, -1])],
        [(OVERWRITTEN.format("row"), np.outer(x[-1], grad_out[-1]))],
        [(OVERWRITTEN.format("row"), grad_out[-1])],
    ]
    cache = fc_forward(*args)[1]
    return [*overwritten[i], *given(lambda grad: fc_backward(grad, cache)[i], (grad_out,), ("grad_out",))]


def relu_backward_given(x, grad_out):
    return list(given(lambda grad: relu_gradient(grad, x), (grad_out,), ("grad_out",)))


def softmax_loss_given(i, x, y):
    most = x.max(axis=1).mean()
    shifted = [
        ("log(sum(exp(x - max))) lacks the maximum: add it", softmax_loss(x, y)[0] - most),
        ("the maximum is subtracted from log(sum(exp(x - max))), not added", softmax_loss(x, y)[0] - 2 * most),
    ]
    return [*shifted[: 2 * (i == 0)], *given(lambda x: softmax_loss(x, y)[i], (x,), ("x",))]


def softmax_loss_parts(x, y):
    """Gradients of which a part alone is right."""
    n, c = x.shape
    right, powers = np.eye(c)[y], np.exp(x)
    return [
        (
            "p is divided by N before the 1 is subtracted: divide both",
            powers / powers.sum(axis=1, keepdims=True) / n - right,
        ),
        (
            "only the right class has a gradient; the others need p / N",
            (powers / powers.sum(axis=1, keepdims=True) - 1) * right / n,
        ),
        (
            OVER_ROWS,
            (powers / powers.sum(axis=0, keepdims=True) - right) / n,
        ),
    ]


def l2_given(i, w, reg):
    return list(given(lambda w: l2_regularization(w, reg)[i], (w,), ("w",)))


def net_forward_given(values, X):
    return list(given(lambda X: scores(values, X), (X,), ("X",)))


def net_backward_given(role, values, X, grad_scores):
    return list(given(lambda grad: gradients(values, X, grad)[role], (grad_scores,), ("grad_scores",)))


def step_given(role, values, X, y, reg):
    """Of the loss where `role` is "", else of its gradient."""

    def answer(X):
        return step(values, X, y, reg)[1][role] if role else loss(values, X, y, reg)

    told = [] if role else regularized_twice(values, reg, answer(X))
    return [*told, *given(answer, (X,), ("X_batch",))]


def regularized_twice(values, reg, right):
    """Losses in which one weight matrix stands in the place of the other."""
    first, second = (reg / 2 * float((values[role] ** 2).sum()) for role in ("weight1", "weight2"))
    return [
        ("the first weight matrix is regularized twice, the second not at all", np.array(right + first - second)),
        ("the second weight matrix is regularized twice, the first not at all", np.array(right + second - first)),
    ]


def fc_forward_out(x, w, b):
    return [("b is not added", x @ w), ("b is subtracted", x @ w - b)]


def fc_backward_grad(i, grad_out, args, later):
    """Of the i-th gradient; `later` are the arguments of a forward pass that came after the one with `args`."""
    stale, right = (fc_backward(grad_out, fc_forward(*at)[1]) for at in (later, args))
    others = [j for j in range(3) if j != i]
    return [
        (LATEST.format("fc_forward"), stale[i]),
        *((f"it is {FC_BACKWARD[j]}: the order is {', '.join(FC_BACKWARD)}", right[j]) for j in others),
    ]


def relu_forward_out(x):
    return [
        ("it is x itself: nothing is set to zero", x),
        ("it is min(x, 0), not max(x, 0): negative values are kept", np.minimum(x, 0)),
        ("it is |x|, not max(0, x)", np.abs(x)),
        ("it is 1 where x is positive, not x", (x > 0).astype(np.float64)),
        ("np.max takes one maximum for each column; np.maximum compares each entry", x.max(axis=0)),
    ]


def relu_backward_grad(x, grad_out, later=None):
    """`later` is the argument of a forward pass that came after the one with x."""
    stale = [] if later is None else [(LATEST.format("relu_forward"), relu_gradient(grad_out, later))]
    return [
        ("it is grad_out, unmasked: x <= 0 has to block the gradient", grad_out),
        ("the mask is inverted: it lets through where x is negative", grad_out * (x < 0)),
        ("it is the mask alone", (x > 0).astype(np.float64)),
        ("it is multiplied by x, but the slope of x is 1", grad_out * x),
        ("it is multiplied by x, but the slope of x is 1", grad_out * np.maximum(x, 0)),
        ("the mask is taken from grad_out instead of x", grad_out * (grad_out > 0)),
        ("grad_out stands in the place of the mask", grad_out**2),
        *(
            ("0 where x is small: is there a threshold above 0?", grad_out * (x > least))
            for least in THRESHOLDS
            if (grad_out * (x > least)).any()
        ),
        *stale,
    ]


def softmax_loss_value(x, y):
    n, c = x.shape
    rows = np.arange(n)
    most = x.max(axis=1, keepdims=True)
    shifted = x - most
    sums = np.exp(shifted).sum(axis=1, keepdims=True)
    log_p = shifted - np.log(sums)

    def loss_of(log_p):
        return np.array(-log_p[rows, y].mean())

    def as_if(e):
        return loss_of(np.log(e / e.sum(axis=1, keepdims=True)))

    with np.errstate(all="ignore"):
        by_column = x - x.max(axis=0, keepdims=True)
        return [
            (BY_CLASSES, np.array(softmax_loss(x, y)[0] * n / c)),
            (NEXT_CLASS, np.array(softmax_loss(x, (y - 1) % c)[0])),
            (
                "[:, y] takes every row; [np.arange(N), y] picks one per row",
                np.array(-log_p[:, y].mean()),
            ),
            (
                "it is the mean over all classes; [np.arange(N), y] picks one per row",
                np.array(-log_p.mean()),
            ),
            (
                "the last rows come first: the sign of [-np.arange(N), y] is wrong",
                np.array(-log_p[-rows, y].mean()),
            ),
            ("-log is left out: it is p of the right class", np.array(np.exp(log_p)[rows, y].mean())),
            (
                "-log is left out and the sign is wrong: it is -p",
                np.array(-np.exp(log_p)[rows, y].mean()),
            ),
            ("the sum of np.exp is left out: it is x less each row's maximum", loss_of(shifted)),
            ("the sum of np.exp and the maximum are left out: it is -x", loss_of(x)),
            ("the log of the sum of np.exp is left out: it is the sum", loss_of(shifted - sums)),
            (
                "np.exp is summed over the whole batch, not over the classes, axis 1",
                loss_of(shifted - np.log(np.exp(shifted).sum())),
            ),
            (OVER_ROWS, mean_over_columns(shifted, y)),
            (OVER_ROWS, mean_over_columns(x, y)),
            (
                "the maximum is over axis 0, and not subtracted from both terms",
                loss_of(by_column - np.log(np.exp(by_column).sum(axis=1, keepdims=True))),
            ),
            ("np.exp is averaged over the classes, not summed", loss_of(shifted - np.log(sums / c))),
            ("the logarithm of the sum is added, not subtracted: the sign is wrong", loss_of(shifted + np.log(sums))),
            ("log10 is used instead of log", loss_of(shifted - np.log10(sums))),
            ("log2 is used instead of log", loss_of(shifted - np.log2(sums))),
            ("log1p is used instead of log: ratio 1 + sum to sum", loss_of(shifted - np.log1p(sums))),
            (
                "np.exp2 is used instead of np.exp: ratio 1/ln 2 in the exponent",
                loss_of(shifted - np.log(np.exp2(shifted).sum(axis=1, keepdims=True))),
            ),
            ("np.expm1 is used instead of np.exp", as_if(np.expm1(x))),
            ("as if the scores were counted twice", np.array(softmax_loss(2 * x, y)[0])),
            ("as if the sign of the scores were wrong", np.array(softmax_loss(-x, y)[0])),
            ("it is the loss of the labels' neighbours: the next class", np.array(softmax_loss(x, (y + 1) % c)[0])),
            ("it is the sum of the squares, not the softmax loss", np.array(((x - np.eye(c)[y]) ** 2).sum() / n)),
        ]


def mean_over_columns(shifted, y):
    log_p = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))
    return np.array(-log_p[np.arange(len(y)), y].mean())


def softmax_loss_grad(x, y):
    n, c = x.shape
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    right = np.eye(c)[y]
    every_row = p.copy()
    every_row[:, y] -= 1
    return [
        ("it is p / N: 1 is not subtracted for the right class", p / n),
        ("the 1 of the right class is added, not subtracted", (p + right) / n),
        ("[:, y] subtracts 1 in every row; [np.arange(N), y] picks one per row", every_row / n),
        (BY_CLASSES, (p - right) / c),
        (NEXT_CLASS, (p - np.eye(c)[(y - 1) % c]) / n),
        ("it is right for the next class, not for y", (p - np.eye(c)[(y + 1) % c]) / n),
        ("1 is subtracted in every column; [np.arange(N), y] picks one per row", (p - 1) / n),
        ("p is counted twice: ratio 2 before the 1 is subtracted", (2 * p - right) / n),
        ("the sign of p is wrong", (-p - right) / n),
        ("p is left out for the right class: it is -1, not p - 1", np.where(right, -1.0, p) / n),
        ("only 1/2 is subtracted for the right class: a factor 2 is missing", (p - right / 2) / n),
        ("np.exp is left out: it is log p, not p", (np.log(p) - right) / n),
        ("np.exp2 is used instead of np.exp: ratio ln 2 in the exponent", (np.exp2(np.log(p)) - right) / n),
        ("the sum of np.exp is left out: p is not divided by it", (np.exp(x) - right) / n),
        (
            "the sum of np.exp is left out: p is not divided by it",
            (np.exp(x - x.max(axis=1, keepdims=True)) - right) / n,
        ),
        ("it is the scores, not p: np.exp and its sum are left out", (x - right) / n),
        (
            "it is x - max, not p: np.exp and its sum are left out",
            (x - x.max(axis=1, keepdims=True) - right) / n,
        ),
    ]


def l2_value(w, reg):
    squares = (w**2).sum()
    told = [
        ("it is the norm, not its square", reg / 2 * np.sqrt(squares)),
        ("reg is left out", squares),
        ("reg is left out", squares / 2),
        ("the sum of the squares is left out", reg / 2),
        ("it is divided by the sum of the squares, not multiplied", reg / 2 / squares),
        ("the weights are not multiplied by themselves: a square is missing", reg / 2 * w.sum()),
        ("it is the sum of |w|, not of w**2: a square is missing", reg / 2 * np.abs(w).sum()),
        ("reg is multiplied by 2, not divided: ratio 4", 2 * reg * squares),
        ("the squares are multiplied by themselves: w**4, not w**2", reg / 2 * (w**4).sum()),
        ("the sign of the power is wrong: w**-2, not w**2", reg / 2 * (w**-2.0).sum()),
        ("reg is in the place of w: the weights are ignored", reg / 2 * reg**2),
        ("reg is squared, not the weights", reg**2 / 2 * squares),
        ("it is the sum of w.T @ w, not of w**2: wrong axis",
         reg / 2 * (w.T @ w).sum() if w.ndim == 2 else np.nan),
    ]  # fmt: skip
    return [(said, np.array(value)) for said, value in told]


def l2_grad(w, reg):
    with np.errstate(all="ignore"):
        told = [
            ("reg is left out: it is w", w),
            ("it is reg alone: w is left out", reg + 0 * w),
            ("it is divided by w, not multiplied", reg / w),
            ("it is w divided by reg, not multiplied", w / reg if reg else w * np.nan),
            ("w is in the place of reg: w**2", w**2),
            ("it is reg / 2 w**2, each weight's loss, not its gradient: a factor is missing", reg / 2 * w**2),
            ("it is the gradient of |w|, not of w**2: a factor is missing", reg * np.sign(w)),
        ]
    return told


def net_forward_scores(values, X):
    """With one of the usual parts left out."""
    w1, b1, w2, b2 = (values[role] for role in ("weight1", "bias1", "weight2", "bias2"))
    hidden = X @ w1 + b1
    relu = np.maximum(hidden, 0)
    right = relu @ w2 + b2
    p = np.exp(right - right.max(axis=1, keepdims=True))
    return [
        ("the ReLU between the two layers is left out", hidden @ w2 + b2),
        ("a ReLU is applied to the scores too", np.maximum(right, 0)),
        ("they are probabilities: softmax belongs to softmax_loss", p / p.sum(axis=1, keepdims=True)),
        ("the second bias is not added", relu @ w2),
        ("the first bias is not added", np.maximum(X @ w1, 0) @ w2 + b2),
    ]


def net_backward_grad(role, values, X, grad_scores, later):
    """The first layer's gradients without the ReLU between; with `later`, what the network was given after X."""
    grad_hidden = grad_scores @ values["weight2"].T
    straight = {"weight1": X.T @ grad_hidden, "bias1": grad_hidden.sum(axis=0)}
    said = "the ReLU's mask is missing"
    told = [(said, straight[role])] if role in straight else []
    stale = [] if later is None else [(LATEST.format("forward pass"), gradients(values, later, grad_scores)[role])]
    return told + stale


def net_backward_stale(role, values, X, grad_scores, earlier):
    """With one weight of `earlier` parameters; none without them."""
    if earlier is None:
        return []
    said = "it is of the earlier parameters: does backward keep a copy?"
    return [(said, gradients({**values, "weight2": earlier["weight2"]}, X, grad_scores)[role])]


def net_backward_exchanged(role, values, X, grad_scores):
    other = f"{role[:-1]}{3 - int(role[-1])}"
    told = [("it is the other layer's: are the keys exchanged?", gradients(values, X, grad_scores)[other])]
    if role == "weight2":
        hidden = X @ values["weight1"] + values["bias1"]
        told.append(("it is made with the hidden layer before its ReLU, not after it", hidden.T @ grad_scores))
    return told


def step_loss(values, X, y, reg):
    """Losses that forget or double the regularization; none with reg = 0, where all are the same."""
    if not reg:
        return []
    data, total = loss(values, X, y, 0.0), loss(values, X, y, reg)
    first, second = (reg / 2 * float((values[role] ** 2).sum()) for role in ("weight1", "weight2"))
    told = [
        ("the regularization is missing", data),
        ("only the first weight matrix is regularized", data + first),
        ("only the second weight matrix is regularized", data + second),
        ("it is the regularization alone, without the softmax loss", first + second),
        ("the regularization is subtracted", 2 * data - total),
        ("the regularization is divided by N; only the softmax loss is a mean",
         data + (first + second) / len(X)),
        ("the regularization is counted twice: l2_regularization holds reg / 2", 2 * total - data),
        ("the regularization is halved once more: l2_regularization holds reg / 2", (total + data) / 2),
    ]  # fmt: skip
    return [(sentence, np.array(value)) for sentence, value in told]


def step_gradient(role, values, X, y, reg):
    """Gradients that forget the regularization of a weight, or regularize a bias; none with reg = 0."""
    if not reg:
        return []
    data, penalty = step(values, X, y, 0.0)[1][role], reg * values[role]
    if role.startswith("bias"):
        return [("the bias is regularized; only the weight matrices are", data + penalty)]
    return [
        ("the gradient of the regularization is missing", data),
        ("it is the gradient of the regularization alone", penalty),
        ("the gradient of the regularization is subtracted", data - penalty),
        ("the gradient of the regularization is added twice", data + 2 * penalty),
        ("the gradient of the regularization is halved", data + penalty / 2),
        ("the gradient of the regularization is divided by N", data + penalty / len(X)),
        ("the gradient of the softmax loss is divided by N once more", data / len(X) + penalty),
    ]


def biases_regularized(values, added, reg):
    """`added` is what reg rightly adds to the loss; the biases in `values` count, too."""
    squares = sum(float((values[role] ** 2).sum()) for role in ("bias1", "bias2"))
    return [("the biases are regularized too; leave them out", np.array(added + reg / 2 * squares))]
