import numpy as np


class Tensor:
    def __init__(self, data):
        self.data = np.array(data, dtype=np.float64)
        self.grad = np.zeros_like(self.data)
        self._back = []

    def backward(self, g):
        self.grad = self.grad + g
        for parent, rule in self._back:
            parent.backward(rule(g))


class Linear:
    def __init__(self, n_in, n_out):
        self.weight = Tensor(np.random.randn(n_in, n_out) / np.sqrt(n_in))
        self.bias = Tensor(np.zeros((n_out,)))

    def __call__(self, inp):
        res = Tensor(np.dot(inp.data, self.weight.data) + self.bias.data[None, :])
        res._back = [
            (inp, lambda g: np.dot(g, self.weight.data.T)),
            (self.weight, lambda g: np.dot(inp.data.T, g)),
            (self.bias, lambda g: np.sum(g, axis=0)),
        ]
        return res

    def parameters(self):
        yield self.weight
        yield self.bias


class SGD:
    def __init__(self, params, lr=1e-2, momentum=0):
        self.params = [(p, np.zeros(p.data.shape)) for p in params]
        self.lr = lr
        self.mu = momentum

    def step(self):
        for p, v in self.params:
            v *= self.mu
            v -= self.lr * p.grad
            p.data = p.data + v

    def zero_grad(self):
        for p, _ in self.params:
            p.grad = np.zeros_like(p.data)


class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.t, self.lr, self.eps = 0, lr, eps
        self.b1, self.b2 = betas
        self.state = [{"p": p, "m": 0.0, "v": 0.0} for p in params]

    def step(self):
        self.t += 1
        rate = self.lr * np.sqrt(1 - self.b2**self.t) / (1 - self.b1**self.t)
        for s in self.state:
            g = s["p"].grad
            s["m"] += (1 - self.b1) * (g - s["m"])
            s["v"] += (1 - self.b2) * (g * g - s["v"])
            s["p"].data = s["p"].data - rate * s["m"] / (np.sqrt(s["v"]) + self.eps * np.sqrt(1 - self.b2**self.t))
