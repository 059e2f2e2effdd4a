"""Other right ways to write TwoLayerNet. Blocks are combined: see README.md on selftest."""


# %% net with a dict of parameters
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.params = {
            "w1": weight_scale * np.random.randn(input_dim, hidden_dim),
            "w2": weight_scale * np.random.randn(hidden_dim, num_classes),
            "b1": np.zeros(hidden_dim),
            "b2": np.zeros(num_classes),
        }

    def parameters(self):
        return self.params

    def forward(self, X):
        p = self.params
        a, cache1 = fc_forward(X, p["w1"], p["b1"])
        h, mask = relu_forward(a)
        out, cache2 = fc_forward(h, p["w2"], p["b2"])
        return out, {"1": cache1, "relu": mask, "2": cache2}

    def backward(self, grad_scores, cache):
        grads = {}
        g, grads["w2"], grads["b2"] = fc_backward(grad_scores, cache["2"])
        _, grads["w1"], grads["b1"] = fc_backward(relu_backward(g, cache["relu"]), cache["1"])
        return grads


# %% net by itself, without the layers
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.weight1 = np.random.normal(0.0, weight_scale, (input_dim, hidden_dim))
        self.bias1 = np.zeros((hidden_dim,))
        self.weight2 = np.random.normal(0.0, weight_scale, (hidden_dim, num_classes))
        self.bias2 = np.zeros((num_classes,))

    def parameters(self):
        return dict(weight1=self.weight1, bias1=self.bias1, weight2=self.weight2, bias2=self.bias2)

    def forward(self, X):
        pre = X @ self.weight1 + self.bias1
        hidden = pre * (pre > 0)
        return hidden @ self.weight2 + self.bias2, (X, pre, hidden)

    def backward(self, grad_scores, cache):
        X, pre, hidden = cache
        back = (grad_scores @ self.weight2.T) * (pre > 0)
        return {
            "bias2": grad_scores.sum(axis=0),
            "weight2": hidden.T @ grad_scores,
            "bias1": back.sum(axis=0),
            "weight1": X.T @ back,
        }


# %% net with a list of layers
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        sizes = [input_dim, hidden_dim, num_classes]
        self.layers = []
        for n, m in zip(sizes[:-1], sizes[1:]):
            self.layers.append([np.random.randn(n, m) * weight_scale, np.zeros(m)])

    def parameters(self):
        found = {}
        for i, (w, b) in enumerate(self.layers, start=1):
            found[f"fc{i}_w"], found[f"fc{i}_b"] = w, b
        return found

    def forward(self, X):
        caches, out = [], X
        for i, (w, b) in enumerate(self.layers):
            if i:
                out, cache = relu_forward(out)
                caches.append(cache)
            out, cache = fc_forward(out, w, b)
            caches.append(cache)
        return out, caches

    def backward(self, grad_scores, cache):
        g, w2, b2 = fc_backward(grad_scores, cache.pop())
        g = relu_backward(g, cache.pop())
        g, w1, b1 = fc_backward(g, cache.pop())
        return {"fc1_w": w1, "fc1_b": b1, "fc2_w": w2, "fc2_b": b2}


# %% net of two linear parts
class Linear:
    def __init__(self, n, m, scale):
        self.w, self.b = np.random.standard_normal((n, m)) * scale, np.zeros(m)


class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        super().__init__()
        self.first = Linear(input_dim, hidden_dim, weight_scale)
        self.second = Linear(hidden_dim, num_classes, weight_scale)

    def parameters(self):
        return {"first.w": self.first.w, "first.b": self.first.b, "second.w": self.second.w, "second.b": self.second.b}

    def forward(self, X):
        h, c1 = fc_forward(X, self.first.w, self.first.b)
        r, c2 = relu_forward(h)
        s, c3 = fc_forward(r, self.second.w, self.second.b)
        return s, [c1, c2, c3]

    def backward(self, grad_scores, cache):
        names, found = ("second", "first"), {}
        g = grad_scores
        for name, at in zip(names, (2, 0)):
            g, found[name + ".w"], found[name + ".b"] = fc_backward(g, cache[at])
            if name == "second":
                g = relu_backward(g, cache[1])
        return found


# %% net with a generator of its own
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        rng = np.random.default_rng()
        self.p = [
            rng.normal(scale=weight_scale, size=(input_dim, hidden_dim)),
            np.zeros(hidden_dim, dtype=np.float64),
            rng.normal(scale=weight_scale, size=(hidden_dim, num_classes)),
            np.zeros(num_classes, dtype=np.float64),
        ]

    def parameters(self):
        return dict(zip(("W1", "b1", "W2", "b2"), self.p))

    def forward(self, X):
        W1, b1, W2, b2 = self.p
        hidden, a = fc_forward(X, W1, b1)
        hidden, r = relu_forward(hidden)
        scores, b = fc_forward(hidden, W2, b2)
        return scores, (a, r, b)

    def backward(self, grad_scores, cache):
        a, r, b = cache
        dhidden, dW2, db2 = fc_backward(grad_scores, b)
        dhidden = relu_backward(dhidden, r)
        dX, dW1, db1 = fc_backward(dhidden, a)
        return dict(zip(self.parameters(), (dW1, db1, dW2, db2)))


# %% net that names its parameters by numbers
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self._w = {}
        self._w[0] = np.random.normal(loc=0, scale=weight_scale, size=[input_dim, hidden_dim])
        self._w[1] = np.zeros(shape=[hidden_dim])
        self._w[2] = np.random.normal(loc=0, scale=weight_scale, size=[hidden_dim, num_classes])
        self._w[3] = np.zeros(shape=[num_classes])

    def parameters(self):
        return self._w

    def forward(self, X):
        z, one = fc_forward(X, self._w[0], self._w[1])
        a, two = relu_forward(z)
        s, three = fc_forward(a, self._w[2], self._w[3])
        return s, (one, two, three)

    def backward(self, grad_scores, cache):
        one, two, three = cache
        da, d2, d3 = fc_backward(grad_scores, three)
        dz = relu_backward(da, two)
        d0, d1 = fc_backward(dz, one)[1:]
        return {0: d0, 1: d1, 2: d2, 3: d3}


# %% net with its own predict and properties
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        draw = np.random.normal
        self.W_hidden, self.b_hidden = draw(0, weight_scale, (input_dim, hidden_dim)), np.zeros(hidden_dim)
        self.W_out, self.b_out = draw(0, weight_scale, (hidden_dim, num_classes)), np.zeros(num_classes)

    def parameters(self):
        return {name: value for name, value in vars(self).items()}

    def forward(self, X):
        hidden, c1 = fc_forward(X, self.W_hidden, self.b_hidden)
        hidden, c2 = relu_forward(hidden)
        scores, c3 = fc_forward(hidden, self.W_out, self.b_out)
        return scores, (c1, c2, c3)

    def backward(self, grad_scores, cache):
        c1, c2, c3 = cache
        grads = {}
        grad, grads["W_out"], grads["b_out"] = fc_backward(grad_scores, c3)
        grad, grads["W_hidden"], grads["b_hidden"] = fc_backward(relu_backward(grad, c2), c1)
        return grads

    def predict(self, X):
        return [int(np.argmax(row)) for row in self.forward(X)[0]]


# %% net with helpers for each half
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.theta = {}
        self.theta.update(self._layer("hidden", input_dim, hidden_dim, weight_scale))
        self.theta.update(self._layer("output", hidden_dim, num_classes, weight_scale))

    @staticmethod
    def _layer(name, n, m, scale):
        return {f"{name}_W": np.random.normal(0, scale, size=(n, m)), f"{name}_b": np.zeros(m)}

    def parameters(self):
        return self.theta

    def forward(self, X):
        out, caches = X, []
        for name in ("hidden", "output"):
            out, cache = fc_forward(out, self.theta[name + "_W"], self.theta[name + "_b"])
            caches.append(cache)
            if name == "hidden":
                out, cache = relu_forward(out)
                caches.append(cache)
        return out, tuple(caches)

    def backward(self, grad_scores, cache):
        hidden, relu, output = cache
        grad, gW, gb = fc_backward(grad_scores, output)
        grads = {"output_W": gW, "output_b": gb}
        _, grads["hidden_W"], grads["hidden_b"] = fc_backward(relu_backward(grad, relu), hidden)
        return grads


# %% net whose names are an enum
from enum import StrEnum


class Name(StrEnum):
    W1 = "W1"
    B1 = "b1"
    W2 = "W2"
    B2 = "b2"


class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.params = {
            Name.W1: np.random.normal(scale=weight_scale, size=(input_dim, hidden_dim)),
            Name.B1: np.zeros(hidden_dim),
            Name.W2: np.random.normal(scale=weight_scale, size=(hidden_dim, num_classes)),
            Name.B2: np.zeros(num_classes),
        }

    def parameters(self):
        return self.params

    def forward(self, X):
        h, c1 = fc_forward(X, self.params[Name.W1], self.params[Name.B1])
        r, c2 = relu_forward(h)
        s, c3 = fc_forward(r, self.params[Name.W2], self.params[Name.B2])
        return s, (c1, c2, c3)

    def backward(self, grad_scores, cache):
        g, W2, b2 = fc_backward(grad_scores, cache[2])
        _, W1, b1 = fc_backward(relu_backward(g, cache[1]), cache[0])
        return {Name.W1: W1, Name.B1: b1, Name.W2: W2, Name.B2: b2}


# %% net whose names are numpy's strings
NAMES = np.array([["W1", "b1"], ["W2", "b2"]])


class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        sizes = np.array([input_dim, hidden_dim, num_classes])
        self.params = {}
        for i in range(2):
            self.params[NAMES[i, 0]] = np.random.normal(scale=weight_scale, size=sizes[i : i + 2])
            self.params[NAMES[i, 1]] = np.zeros(sizes[i + 1])

    def parameters(self):
        return self.params

    def forward(self, X):
        p = self.params
        h, c1 = fc_forward(X, p["W1"], p["b1"])
        r, c2 = relu_forward(h)
        s, c3 = fc_forward(r, p["W2"], p["b2"])
        return s, (c1, c2, c3)

    def backward(self, grad_scores, cache):
        grads = {}
        g, grads[NAMES[1, 0]], grads[NAMES[1, 1]] = fc_backward(grad_scores, cache[2])
        _, grads[NAMES[0, 0]], grads[NAMES[0, 1]] = fc_backward(relu_backward(g, cache[1]), cache[0])
        return grads


# %% net whose names are pairs
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        widths = [input_dim, hidden_dim, num_classes]
        self.held = {}
        for at in (1, 2):
            self.held[at, "weight"] = weight_scale * np.random.randn(*widths[at - 1 : at + 1])
            self.held[at, "bias"] = np.zeros(widths[at])

    def parameters(self):
        return self.held

    def forward(self, X):
        a, first = fc_forward(X, self.held[1, "weight"], self.held[1, "bias"])
        h, mask = relu_forward(a)
        scores, second = fc_forward(h, self.held[2, "weight"], self.held[2, "bias"])
        return scores, (first, mask, second)

    def backward(self, grad_scores, cache):
        first, mask, second = cache
        grads = {}
        g, grads[2, "weight"], grads[2, "bias"] = fc_backward(grad_scores, second)
        _, grads[1, "weight"], grads[1, "bias"] = fc_backward(relu_backward(g, mask), first)
        return grads


# %% net of weights that are drawn flat
class TwoLayerNet(Classifier):
    def __init__(self, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
        self.w1 = np.random.normal(0, weight_scale, input_dim * hidden_dim).reshape(input_dim, hidden_dim)
        self.w2 = np.random.normal(0, weight_scale, hidden_dim * num_classes).reshape(hidden_dim, num_classes)
        self.b1, self.b2 = np.zeros((1, hidden_dim))[0], np.zeros((1, num_classes))[0]

    def parameters(self):
        return {"w1": self.w1, "b1": self.b1, "w2": self.w2, "b2": self.b2}

    def forward(self, X):
        a, first = fc_forward(X, self.w1, self.b1)
        h, mask = relu_forward(a)
        scores, second = fc_forward(h, self.w2, self.b2)
        return scores, (first, mask, second)

    def backward(self, grad_scores, cache):
        first, mask, second = cache
        g, w2, b2 = fc_backward(grad_scores, second)
        _, w1, b1 = fc_backward(relu_backward(g, mask), first)
        return {"w1": w1, "b1": b1, "w2": w2, "b2": b2}
