"""A neuron of Values."""

import random

from .engine import Value


class Neuron:
    def __init__(self, inputs):
        self.weights = [Value(random.uniform(-1, 1)) for _ in range(inputs)]
        self.bias = Value(0.0)

    def __call__(self, x):
        # Your code here.
        return None

    def parameters(self):
        # Your code here.
        return None
