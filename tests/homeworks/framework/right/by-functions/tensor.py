from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(eq=False)
class Tensor:
    data: np.ndarray
    grad: np.ndarray | None = None
    sources: list = field(default_factory=list)

    def backward(self, upstream: np.ndarray) -> None:
        self.grad = np.zeros_like(upstream) if self.grad is None else self.grad
        self.grad = self.grad + upstream
        for source, pull in self.sources:
            source.backward(pull(upstream))


class Module:
    def __init__(self) -> None:
        self._parameters: dict[str, Tensor] = {}

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, Tensor):
            self._parameters[name] = value
        super().__setattr__(name, value)

    def parameters(self) -> list[Tensor]:
        return list(self._parameters.values())

    def __call__(self, *args: Tensor) -> Tensor:
        return self.forward(*args)


class Linear(Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = Tensor(np.random.uniform(-bound, bound, size=(inputs, outputs)))
        self.bias = Tensor(np.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        w, b = self.weight, self.bias
        ones = np.ones(len(x.data))
        return Tensor(
            np.einsum("ni,io->no", x.data, w.data) + b.data,
            sources=[(b, lambda g: ones @ g), (w, lambda g: x.data.T @ g), (x, lambda g: g @ w.data.T)],
        )


class Optimizer:
    def __init__(self, parameters, **options) -> None:
        self.parameters = tuple(parameters)
        self.options = options
        self.state: dict[int, list] = {}

    def step(self) -> None:
        for number, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                continue
            change, self.state[number] = self.rule(parameter.grad, self.state.get(number), **self.options)
            parameter.data = parameter.data + change

    def zero_grad(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None


class SGD(Optimizer):
    @staticmethod
    def rule(grad, state, lr, momentum=0.0):
        velocity = -lr * grad if state is None else momentum * state - lr * grad
        return velocity, velocity


class Adam(Optimizer):
    @staticmethod
    def rule(grad, state, lr, betas=(0.9, 0.999), eps=1e-8):
        t, m, v = state or (0, np.zeros(grad.shape), np.zeros(grad.shape))
        t, m, v = t + 1, betas[0] * m + (1 - betas[0]) * grad, betas[1] * v + (1 - betas[1]) * np.square(grad)
        return -lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps), (t, m, v)
