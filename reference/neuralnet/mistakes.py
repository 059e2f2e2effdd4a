"""What known mistakes would give: for each function a list of (sentence, array). The arguments are those of a check,
and each array has the shape of the right answer. Never handed out: whoever knows the mistake knows the solution.
"""

import numpy as np
from answers import gradients, loss, relu_gradient, step
from layers import fc_backward, fc_forward, softmax_loss

LATEST = "it belongs to the latest {}, not to the call whose cache was passed"
FC_BACKWARD = ("grad_x", "grad_w", "grad_b")
NEXT_CLASS = "it is right for the class before y: the labels count from 0, so y is the index, not y - 1"
BY_CLASSES = "it is divided by the number of classes, not by N"


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
        ("it is min(x, 0), not max(x, 0): the negative values are kept", np.minimum(x, 0)),
        ("it is |x|, not max(0, x)", np.abs(x)),
        ("np.max takes one maximum for each column; np.maximum compares each entry", x.max(axis=0)),
    ]


def relu_backward_grad(x, grad_out, later=None):
    """`later` is the argument of a forward pass that came after the one with x."""
    stale = [] if later is None else [(LATEST.format("relu_forward"), relu_gradient(grad_out, later))]
    return [
        ("it is grad_out, unmasked: x <= 0 has to block the gradient", grad_out),
        ("the mask is inverted: it lets through where x is negative", grad_out * (x < 0)),
        ("it is the mask alone, without grad_out", (x > 0).astype(np.float64)),
        ("it is multiplied by x, but the slope of x is 1", grad_out * x),
        ("it is multiplied by x, but the slope of x is 1", grad_out * np.maximum(x, 0)),
        ("the mask is taken from grad_out instead of x", grad_out * (grad_out > 0)),
        *stale,
    ]


def softmax_loss_value(x, y):
    n, c = x.shape
    return [
        (BY_CLASSES, np.array(softmax_loss(x, y)[0] * n / c)),
        (NEXT_CLASS, np.array(softmax_loss(x, (y - 1) % c)[0])),
    ]


def softmax_loss_grad(x, y):
    n, c = x.shape
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    right = np.eye(c)[y]
    every_row = p.copy()
    every_row[:, y] -= 1
    return [
        ("it is p / N: the 1 of the right class is not subtracted", p / n),
        ("the 1 of the right class is added, not subtracted", (p + right) / n),
        ("[:, y] subtracts the 1 in every row; [np.arange(N), y] picks one entry per row", every_row / n),
        (BY_CLASSES, (p - right) / c),
        (NEXT_CLASS, (p - np.eye(c)[(y - 1) % c]) / n),
    ]


def l2_value(w, reg):
    return [("it is the norm, not its square", np.array(reg / 2 * np.sqrt((w**2).sum())))]


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
        ("the regularization is divided by N; only the softmax loss is a mean over the batch",
         data + (first + second) / len(X)),
        ("the regularization is counted twice: l2_regularization holds reg / 2", 2 * total - data),
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
    ]


def biases_regularized(values, added, reg):
    """`added` is what reg rightly adds to the loss; the biases in `values` count, too."""
    squares = sum(float((values[role] ** 2).sum()) for role in ("bias1", "bias2"))
    return [("the biases are regularized too; leave them out", np.array(added + reg / 2 * squares))]
