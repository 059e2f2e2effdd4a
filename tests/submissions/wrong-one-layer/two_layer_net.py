import numpy as np
from classifier import Classifier
from layers import fc_forward, fc_backward


class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.W = np.random.randn(input_dim, num_classes) * weight_scale
        self.b = np.zeros(num_classes)

    def parameters(self):
        return dict(W=self.W, b=self.b)

    def forward(self, X):
        return fc_forward(X, self.W, self.b)

    def backward(self, grad_scores, cache):
        _, gW, gb = fc_backward(grad_scores, cache)
        return dict(W=gW, b=gb)
