"""Check that softmax_loss neither overflows nor changes when scores are large.

    python check_softmax_stability.py

Adding the same number to all scores of a row changes no probability, so neither the loss nor its gradient may change.
Where the right class has 1000 and every other -1000, nothing is left to learn: both are 0, and 0 * log(0) is no number.
Ends with 0 when that holds and every value is finite, else with 1.
"""

import sys

import numpy as np
from layers import softmax_loss
from utils import NOT_IMPLEMENTED

OFFSETS = (0.0, 100.0, 1000.0, -1000.0, 10000.0, np.array([[0.0], [1000.0], [2000.0], [3000.0]]))  # the last: by row
BAR = 1e-9


def main():
    rng = np.random.default_rng(442)
    x, y = rng.normal(size=(4, 5)), rng.integers(5, size=4)
    expected = softmax_loss(x, y)
    if expected[0] is None:
        print(f"softmax_loss is {NOT_IMPLEMENTED}.")
        return 1
    print(f"{'added to all scores':>20} {'loss':>12} {'loss differs by':>16} {'grad_x differs by':>18}   verdict")
    failed = False
    certain = np.where(np.arange(5) == y[:, None], 1000.0, -1000.0)
    rows = [(named(offset), x + offset, expected) for offset in OFFSETS]
    for added, scores, expected in [*rows, ("(scores of +-1000)", certain, (0.0, np.zeros_like(x)))]:
        with np.errstate(all="ignore"):  # overflow shows in the table
            loss, grad_x = softmax_loss(scores, y)
            errors = abs(loss - expected[0]), np.max(np.abs(grad_x - expected[1]))
        good = all(error < BAR for error in errors)  # nan and inf are not below anything
        failed |= not good
        verdict = "ok" if good else "UNSTABLE"
        print(f"{added:>20} {loss:>12.6f} {errors[0]:>16.2e} {errors[1]:>18.2e}   {verdict}")
    return int(failed)


def named(offset):
    return f"{offset:.0f}" if np.ndim(offset) == 0 else "0, 1000, ... by row"


if __name__ == "__main__":
    sys.exit(main())
