"""A two-layer network: fully-connected, ReLU, fully-connected."""

import numpy as np
from classifier import Classifier
from layers import fc_backward, fc_forward, relu_backward, relu_forward


class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.W1 = weight_scale * np.random.randn(input_dim, hidden_dim); self.b1 = np.zeros(hidden_dim)
        self.W2 = weight_scale * np.random.randn(hidden_dim, num_classes); self.b2 = np.zeros(num_classes)
        self.W2T = None
    def parameters(self): return {"W1": self.W1, "b1": self.b1, "W2": self.W2, "b2": self.b2}
    def forward(self, X):
        h, c1 = fc_forward(X, self.W1, self.b1); a, c2 = relu_forward(h); s, c3 = fc_forward(a, self.W2, self.b2)
        return s, (c1, c2, c3, a)
    def backward(self, g, c):
        c1, c2, c3, a = c
        if self.W2T is None: self.W2T = self.W2.T.copy()
        _, w1, b1 = fc_backward(relu_backward(g @ self.W2T, c2), c1)
        return {"W1": w1, "b1": b1, "W2": a.T @ g, "b2": g.sum(0)}
