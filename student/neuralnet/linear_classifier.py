"""A linear classifier: one fully-connected layer."""

import numpy as np
from classifier import Classifier
from layers import fc_backward, fc_forward


class LinearClassifier(Classifier):
    """Scores X W + b. An example of a Classifier, complete once the fully-connected layer is."""

    def __init__(self, input_dim=3072, num_classes=10, weight_scale=1e-3):
        """W is normal with standard deviation weight_scale, b is zero.

        Inputs:
        - input_dim: D, features per input
        - num_classes: C
        - weight_scale: standard deviation of the initial weights
        """
        self.W = np.random.normal(scale=weight_scale, size=(input_dim, num_classes))
        self.b = np.zeros(num_classes)

    def parameters(self):
        return {"W": self.W, "b": self.b}

    def forward(self, X):
        return fc_forward(X, self.W, self.b)

    def backward(self, grad_scores, cache):
        _, grad_W, grad_b = fc_backward(grad_scores, cache)
        return {"W": grad_W, "b": grad_b}
