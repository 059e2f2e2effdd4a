import numpy as np
import layers as L
from classifier import Classifier


class TwoLayerNet(Classifier):

    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512,
                 weight_scale=1e-3):
        self.params = {}
        self.params['fc1_w'] = np.random.normal(0, weight_scale, size=(input_dim, hidden_dim))
        self.params['fc1_b'] = np.zeros(hidden_dim)
        self.params['fc2_w'] = np.random.normal(0, weight_scale, size=(hidden_dim, num_classes))
        self.params['fc2_b'] = np.zeros(num_classes)

    def parameters(self):
        return self.params

    def forward(self, X):
        p = self.params
        cache = {}
        out, cache['fc1'] = L.fc_forward(X, p['fc1_w'], p['fc1_b'])
        out, cache['relu'] = L.relu_forward(out)
        out, cache['fc2'] = L.fc_forward(out, p['fc2_w'], p['fc2_b'])
        return out, cache

    def backward(self, grad_scores, cache):
        grads = {}
        g, grads['fc2_w'], grads['fc2_b'] = L.fc_backward(grad_scores, cache['fc2'])
        g = L.relu_backward(g, cache['relu'])
        _, grads['fc1_w'], grads['fc1_b'] = L.fc_backward(g, cache['fc1'])
        return grads
