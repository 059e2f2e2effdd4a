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
        # Your code here.

    def parameters(self):
        # Your code here.
        params = None
        return params

    def forward(self, X):
        # Your code here.
        scores, cache = None, None
        return scores, cache

    def backward(self, grad_scores, cache):
        # Your code here.
        grads = None
        return grads
