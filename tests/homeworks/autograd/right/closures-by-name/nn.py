import random

from micro.engine import Value


class Neuron:
    def __init__(self, n):
        self.w = [Value(random.gauss(0, 1)) for i in range(n)]
        self.b = Value(0)

    def __call__(self, x):
        act = self.b
        for wi, xi in zip(self.w, x):
            act = act + wi * xi
        return act.relu()

    def parameters(self):
        return self.w + [self.b]
