"""A two-layer network: fully-connected, ReLU, fully-connected."""

import numpy as np
from classifier import Classifier
from layers import fc_backward, fc_forward, relu_backward, relu_forward


class TwoLayerNet(Classifier):
    """Two fully-connected layers with a ReLU between them.

    See Classifier for what each method takes and returns, and LinearClassifier for an example.
    """

    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        """Make the parameters: weights normal with standard deviation weight_scale, biases zero.

        Inputs:
        - input_dim: D, features per input
        - num_classes: C
        - hidden_dim: H, units of the hidden layer
        - weight_scale: standard deviation of the initial weights
        """
        self.W1 = np.random.normal(scale=weight_scale, size=(input_dim, hidden_dim))
        self.b1 = np.zeros(hidden_dim)
        self.W2 = np.random.normal(scale=weight_scale, size=(hidden_dim, num_classes))
        self.b2 = np.zeros(num_classes)

    def parameters(self):
        return {"W1": self.W2, "b1": self.b1, "W2": self.W1, "b2": self.b2}

    def forward(self, X):
        hidden, fc1_cache = fc_forward(X, self.W1, self.b1)
        active, relu_cache = relu_forward(hidden)
        scores, fc2_cache = fc_forward(active, self.W2, self.b2)
        cache = (fc1_cache, relu_cache, fc2_cache)
        return scores, cache

    def backward(self, grad_scores, cache):
        fc1_cache, relu_cache, fc2_cache = cache
        grad_active, grad_W2, grad_b2 = fc_backward(grad_scores, fc2_cache)
        grad_hidden = relu_backward(grad_active, relu_cache)
        _, grad_W1, grad_b1 = fc_backward(grad_hidden, fc1_cache)
        grads = {"W1": grad_W1, "b1": grad_b1, "W2": grad_W2, "b2": grad_b2}
        return grads
