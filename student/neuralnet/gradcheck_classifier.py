"""Check the gradients of LinearClassifier and TwoLayerNet, for every parameter, against numeric ones.

    python gradcheck_classifier.py

Ends with 0 when every error is below 1e-10, else with 1.
"""

import argparse
import sys

import numpy as np
from linear_classifier import LinearClassifier
from two_layer_net import TwoLayerNet
from utils import max_error, numeric_backward, show_errors

BAR = 1e-10
N, D, C, HIDDEN = 3, 4, 5, 6
# Scores are straight lines in each single parameter, up to the next kink of a ReLU: a step this large has no error of
# its own, and rounding errors stay far below the bar.
H = 1e-4


def main():
    parser = argparse.ArgumentParser(description="Check the gradients of the classifiers.")
    parser.add_argument("--seed", type=int, default=442)
    rng = np.random.default_rng(parser.parse_args().seed)
    rows = check(LinearClassifier(input_dim=D, num_classes=C), rng)
    rows += check(TwoLayerNet(input_dim=D, num_classes=C, hidden_dim=HIDDEN), rng)
    return show_errors(rows, BAR)


def check(model, rng):
    """A row for each parameter of a model."""
    kind = type(model).__name__
    params = model.parameters()
    if params is None:
        return [(f"{kind}.parameters", None)]
    for param in params.values():
        param[...] = rng.normal(size=param.shape)  # larger than a fresh model's, whose hidden units lie near the kink
    X, grad_scores = rng.normal(size=(N, D)), rng.normal(size=(N, C))
    scores, cache = model.forward(X)
    if scores is None:
        return [(f"{kind}.forward", None)]
    grads = model.backward(grad_scores.copy(), cache)
    if grads is None:
        return [(f"{kind}.backward", None)]
    rows = []
    for name, param in params.items():
        # numeric_backward changes the model's own array, so forward needs no argument but X
        numeric = numeric_backward(lambda _: model.forward(X)[0], param, grad_scores, H)
        rows.append((f"{kind}: grad of {name}", max_error(grads.get(name), numeric)))
    return rows


if __name__ == "__main__":
    sys.exit(main())
