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
        # BEGIN SOLUTION stub: return None
        self.collect(upstream)
        if self.push is not None:
            self.push(upstream)
        # END SOLUTION


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

        # BEGIN SOLUTION stub: return None
        def push(upstream):
            x.backward(upstream @ self.weight.data.T)
            self.weight.backward(x.data.T @ upstream)
            self.bias.backward(upstream.sum(axis=0))

        return Tensor(x.data @ self.weight.data + self.bias.data, (x, self.weight, self.bias), push)
        # END SOLUTION


class SGD:
    def __init__(self, parameters, lr, momentum=0.0):
        self.parameters, self.lr, self.momentum = list(parameters), lr, momentum
        self.velocity = [np.zeros_like(parameter.data) for parameter in self.parameters]

    def step(self):
        # BEGIN SOLUTION stub: return None
        for at, parameter in enumerate(self.parameters):
            self.velocity[at] = self.momentum * self.velocity[at] - self.lr * parameter.grad
            parameter.data = parameter.data + self.velocity[at]
        # END SOLUTION

    def zero_grad(self):
        # BEGIN SOLUTION stub: return None
        for parameter in self.parameters:
            parameter.grad = None
        # END SOLUTION


class Adam:
    def __init__(self, parameters, lr, betas=(0.9, 0.999), eps=1e-8):
        self.parameters, self.lr, self.betas, self.eps = list(parameters), lr, betas, eps
        self.count = 0
        self.means = [np.zeros_like(parameter.data) for parameter in self.parameters]
        self.squares = [np.zeros_like(parameter.data) for parameter in self.parameters]

    def step(self):
        """As in Kingma and Ba (2015), with the bias of both averages corrected."""
        # BEGIN SOLUTION stub: return None
        self.count += 1
        one, two = self.betas
        for at, parameter in enumerate(self.parameters):
            self.means[at] = one * self.means[at] + (1 - one) * parameter.grad
            self.squares[at] = two * self.squares[at] + (1 - two) * parameter.grad**2
            mean = self.means[at] / (1 - one**self.count)
            square = self.squares[at] / (1 - two**self.count)
            parameter.data = parameter.data - self.lr * mean / (np.sqrt(square) + self.eps)
        # END SOLUTION
