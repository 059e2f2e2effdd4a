"""Tensors that know how they were made, a layer and an optimizer."""

import numpy as np


class Tensor:
    def __init__(self, data, parents=(), push=None):
        self.data, self.grad = np.asarray(data, dtype=float), None
        self.parents, self.push = parents, push

    def collect(self, grad):
        self.grad = grad if self.grad is None else self.grad + grad

    def backward(self, upstream):
        """Leave gradients in all that this was made of."""
        # Your code here.
        return None


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        return [value for value in vars(self).values() if isinstance(value, Tensor)]


class Linear(Module):
    def __init__(self, inputs, outputs):
        self.weight = Tensor(np.random.normal(0, 0.1, (inputs, outputs)))
        self.bias = Tensor(np.zeros(outputs))

    def forward(self, x):
        """x: Tensor (N, inputs) -> Tensor (N, outputs)."""

        # Your code here.
        return None


class SGD:
    def __init__(self, parameters, lr, momentum=0.0):
        self.parameters, self.lr, self.momentum = list(parameters), lr, momentum
        self.velocity = [np.zeros_like(parameter.data) for parameter in self.parameters]

    def step(self):
        # Your code here.
        return None

    def zero_grad(self):
        # Your code here.
        return None


class Adam:
    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8):
        self.parameters, self.lr, self.betas, self.eps = list(parameters), lr, betas, eps
        self.count = 0
        self.means = [np.zeros_like(parameter.data) for parameter in self.parameters]
        self.squares = [np.zeros_like(parameter.data) for parameter in self.parameters]

    def step(self):
        """As in Kingma and Ba (2015), with the bias of both averages corrected."""
        # Your code here.
        return None
