"""Check the gradients of layers.py against numeric ones.

    python gradcheck_layers.py

A gradient check asks whether a backward pass is the derivative of *your* forward pass. It does not see a forward pass
that is wrong. Ends with 0 when every error is below 1e-9, else with 1.
"""

import argparse
import sys

import layers
import numpy as np
from utils import max_error, numeric_backward, numeric_gradient, show_errors

BAR = 1e-9
# Sizes and upstream gradients are small and the step is larger than numeric_gradient's own, so that rounding errors
# stay far below the bar.
N, D_IN, D_OUT, C = 4, 5, 3, 6
H = 1e-5


def main():
    parser = argparse.ArgumentParser(description="Check the gradients of layers.py.")
    parser.add_argument("--seed", type=int, default=442)
    rng = np.random.default_rng(parser.parse_args().seed)
    rows = [*check_fc(rng), *check_relu(rng), *check_l2_loss(rng), *check_softmax(rng), *check_regularization(rng)]
    return show_errors(rows, BAR)


def check_fc(rng):
    x, w, b = rng.normal(size=(N, D_IN)), rng.normal(size=(D_IN, D_OUT)), rng.normal(size=D_OUT)
    grad_out = rng.normal(size=(N, D_OUT))
    names = [f"fc_backward: {name}" for name in ("grad_x", "grad_w", "grad_b")]
    out, cache = layers.fc_forward(x, w, b)
    if out is None:
        return [("fc_forward", None), *((name, None) for name in names)]
    yours = layers.fc_backward(grad_out.copy(), cache)
    functions = [
        lambda x: layers.fc_forward(x, w, b)[0],
        lambda w: layers.fc_forward(x, w, b)[0],
        lambda b: layers.fc_forward(x, w, b)[0],
    ]
    numeric = [numeric_backward(f, at, grad_out, H) for f, at in zip(functions, (x, w, b), strict=True)]
    return [(name, max_error(*pair)) for name, *pair in zip(names, yours, numeric, strict=True)]


def check_relu(rng):
    x = rng.normal(size=(N, D_IN))
    x += np.sign(x) * 0.01  # away from the kink at 0, where there is no derivative
    grad_out = rng.normal(size=x.shape)
    out, cache = layers.relu_forward(x)
    if out is None:
        return [("relu_forward", None), ("relu_backward: grad_x", None)]
    yours = layers.relu_backward(grad_out.copy(), cache)
    numeric = numeric_backward(lambda x: layers.relu_forward(x)[0], x, grad_out, H)
    return [("relu_backward: grad_x", max_error(yours, numeric))]


def check_l2_loss(rng):
    x, y = rng.normal(size=(N, C)), rng.normal(size=(N, C))
    return [check_loss("l2_loss: grad_x", lambda x: layers.l2_loss(x, y), x)]


def check_softmax(rng):
    x, y = rng.normal(size=(N, C)), rng.integers(C, size=N)
    return [check_loss("softmax_loss: grad_x", lambda x: layers.softmax_loss(x, y), x)]


def check_regularization(rng):
    w = rng.normal(size=(D_IN, D_OUT))
    return [check_loss("l2_regularization: grad_w", lambda w: layers.l2_regularization(w, 0.1), w)]


def check_loss(name, loss, x):
    """A row for a function that gives its value and its gradient at once."""
    value, yours = loss(x)
    if value is None:
        return name, None
    return name, max_error(yours, numeric_gradient(lambda x: loss(x)[0], x, H))


if __name__ == "__main__":
    sys.exit(main())
