"""Numeric gradients, accuracies, and the table that the check scripts print."""

import numpy as np

NOT_IMPLEMENTED = "not implemented yet"


def numeric_gradient(f, x, h=1e-6):
    """The gradient of a function that gives a number, by central differences.

    Inputs:
    - f: function of x
    - x: float array of any shape; changed while this runs, and back as it was afterwards
    - h: step. A small one rounds off (error near 1e-16 |f| / h), a large one bends (error near h^2).

    Returns:
    - grad: same shape as x
    """
    return numeric_backward(f, x, 1.0, h)


def numeric_backward(f, x, grad_y, h=1e-6):
    """The gradient of sum(f(x) * grad_y), that is, a numeric backward pass.

    Inputs:
    - f: function of x that gives an array y, or a number
    - x: float array of any shape; changed while this runs, and back as it was afterwards
    - grad_y: upstream gradient, of the shape of y
    - h: step, see numeric_gradient

    Returns:
    - grad_x: same shape as x
    """
    grad_x = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        kept = x[i]
        x[i] = kept + h
        above = np.array(f(x))  # a copy: f may give back a view of x
        x[i] = kept - h
        below = np.array(f(x))
        x[i] = kept
        grad_x[i] = np.sum((above - below) * grad_y) / (2 * h)
    return grad_x


def check_accuracy(model, sampler):
    """The percentage of a DataSampler's images that the model gets right."""
    right = total = 0
    for X, y in sampler:
        right += np.sum(model.predict(X) == y)
        total += len(y)
    return 100 * right / total


def max_error(yours, expected):
    """The largest distance between two arrays; None where yours is not implemented, inf where shapes differ."""
    if yours is None:
        return None
    if np.shape(yours) != np.shape(expected):
        return np.inf
    return np.max(np.abs(yours - expected))


def show_errors(rows, bar):
    """Print a table of (name, error or None); 0 when every error is below the bar, else 1: an exit code."""
    print(f"{'what':<34} {'largest error':>14} {'must be below':>14}   verdict")
    failed = False
    for name, error in rows:
        verdict = NOT_IMPLEMENTED if error is None else "ok" if error < bar else "WRONG"
        shown = "-" if error is None else "shapes differ" if np.isinf(error) else f"{error:.2e}"
        failed |= verdict != "ok"
        print(f"{name:<34} {shown:>14} {bar:>14.0e}   {verdict}")
    return int(failed)
