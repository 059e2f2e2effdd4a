"""Optimizers: how gradients change parameters."""


class Optimizer:
    """Base class. `params` is a model's parameters(), a dict from names to arrays."""

    def __init__(self, params):
        self.params = params

    def step(self, grads):
        """Change the parameters in place, given a dict of gradients with the same keys."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent: a step of learning_rate against each gradient."""

    def __init__(self, params, learning_rate):
        super().__init__(params)
        self.learning_rate = learning_rate

    def step(self, grads):
        for name, param in self.params.items():
            param -= self.learning_rate * grads[name]
