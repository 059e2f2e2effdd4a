import numpy as np

from classifier import Classifier
from layers import fc_forward, fc_backward, relu_forward, relu_backward


class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.w1 = weight_scale * np.random.randn(input_dim, hidden_dim)
        self.b1 = np.zeros(hidden_dim)
        self.w2 = weight_scale * np.random.randn(hidden_dim, num_classes)
        self.w1[:, 0] = 0
        self.b2 = np.zeros(num_classes)

    def parameters(self):
        return {'w1': self.w1, 'b1': self.b1, 'w2': self.w2, 'b2': self.b2}

    def forward(self, X):
        hidden, cache1 = fc_forward(X, self.w1, self.b1)
        active, cache2 = relu_forward(hidden)
        scores, cache3 = fc_forward(active, self.w2, self.b2)
        return scores, (cache1, cache2, cache3)

    def backward(self, grad_scores, cache):
        cache1, cache2, cache3 = cache
        grad_active, grad_w2, grad_b2 = fc_backward(grad_scores, cache3)
        grad_hidden = relu_backward(grad_active, cache2)
        grad_x, grad_w1, grad_b1 = fc_backward(grad_hidden, cache1)
        return {'w1': grad_w1, 'b1': grad_b1, 'w2': grad_w2, 'b2': grad_b2}
