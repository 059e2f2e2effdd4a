"""What the checks of Tasks 3 and 4 ask of this solution: plain data in, plain data out. Never handed out.

`values` maps weight1 (D, H), bias1 (H,), weight2 (H, C) and bias2 (C,) to arrays. X is (N, D), y is (N,).
"""

import numpy as np
from layers import fc_backward, fc_forward, l2_regularization, relu_backward, relu_forward, softmax_loss
from train import training_step
from two_layer_net import TwoLayerNet

NAMES = {"weight1": "W1", "bias1": "b1", "weight2": "W2", "bias2": "b2"}
MARGIN = 0.03  # distance of every hidden unit from the ReLU's kink: several times what a difference step moves it


def network(values):
    """A TwoLayerNet that holds `values` themselves."""
    net = TwoLayerNet.__new__(TwoLayerNet)
    for role, name in NAMES.items():
        setattr(net, name, values[role])
    return net


def fc_gradients(grad_out, args):
    """fc_backward after fc_forward(*args)."""
    return fc_backward(grad_out, fc_forward(*args)[1])


def relu_gradient(grad_out, x):
    return relu_backward(grad_out, relu_forward(x)[1])


def scores(values, X):
    """(N, C)."""
    return network(values).forward(X)[0]


def gradients(values, X, grad_scores):
    """role -> the gradient of sum(scores * grad_scores)."""
    net = network(values)
    _, cache = net.forward(X)
    return by_role(net.backward(grad_scores, cache))


def loss(values, X, y, reg):
    """The loss of a training step."""
    data, _ = softmax_loss(scores(values, X), y)
    return float(data + sum(l2_regularization(values[role], reg)[0] for role in ("weight1", "weight2")))


def step(values, X, y, reg):
    """The loss of a training step, and role -> gradient."""
    found, grads = training_step(network(values), X, y, reg)
    return float(found), by_role(grads)


def by_role(grads):
    return {role: grads[name] for role, name in NAMES.items()}


def draw(seed, sizes, biases, decided):
    """Parameters and inputs X that no difference step carries over a kink: every hidden unit lies at least MARGIN from
    zero, some on, some off. `sizes` are N, D, C and H; biases have the standard deviation `biases`.

    A unit that comes too near its kink for any row of X is drawn again; nothing is ever loosened. `decided`: one class
    leads clearly in every row, not the same in all, and another one somewhere without the ReLU, so that a wrong forward
    pass is not right here by chance. It leads with a positive score: one more ReLU, on the scores, has a check of its
    own.
    """
    rng = np.random.default_rng(seed)
    while True:
        values, X = away_from_kinks(rng, sizes, biases)
        if not decided or is_decided(values, X):
            return values, X


def away_from_kinks(rng, sizes, biases):
    batch, inputs, classes, hidden = sizes
    X = in_float32(rng.normal(size=(batch, inputs)))
    while (np.abs(X).max(axis=1) < 10 * MARGIN).any():  # no weight takes such a row away from the kink
        X = in_float32(rng.normal(size=X.shape))
    weight1, bias1 = np.zeros((inputs, hidden)), np.zeros(hidden)
    again = np.ones(hidden, dtype=bool)
    while again.any():
        weight1[:, again] = in_float32(rng.normal(scale=0.7, size=(inputs, again.sum())))
        bias1[again] = in_float32(rng.normal(scale=biases, size=again.sum())) if biases else 0.0
        units = X @ weight1 + bias1
        again = (np.abs(units) < MARGIN).any(axis=0)
        if (units > 0).all() or (units < 0).all():
            again[:] = True
    scale = 0.7 * min(1.0, np.sqrt(8 / hidden))  # scores stay of order 1 in a wide network
    weight2 = in_float32(rng.normal(scale=scale, size=(hidden, classes)))
    bias2 = in_float32(rng.normal(scale=biases, size=classes)) if biases else np.zeros(classes)
    return {"weight1": weight1, "bias1": bias1, "weight2": weight2, "bias2": bias2}, X


def is_decided(values, X):
    found = scores(values, X)
    linear = np.argmax((X @ values["weight1"] + values["bias1"]) @ values["weight2"] + values["bias2"], axis=1)
    first, second = np.sort(found, axis=1)[:, ::-1][:, :2].T
    best = np.argmax(found, axis=1)
    clear = (first - second > 1e-3).all() and (first > 1e-3).all()
    without = np.argmax(found - values["bias2"], axis=1)
    return bool(clear and (best != best[0]).any() and (linear != best).any() and (without != best).any())


def in_float32(array):
    """What float32 holds, too: parameters of that kind hold the same numbers, and are asked about the same network."""
    return array.astype(np.float32).astype(np.float64)


# What stands in for a student's wrong functions: `parameters` is what the student's own parameters() gives


def net_begin(seed, input_dim=3072, num_classes=10, hidden_dim=512, weight_scale=1e-3):
    """name -> array, of a new network."""
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(scale=weight_scale, size=(input_dim, hidden_dim)),
        "b1": np.zeros(hidden_dim),
        "W2": rng.normal(scale=weight_scale, size=(hidden_dim, num_classes)),
        "b2": np.zeros(num_classes),
    }


def net_forward(parameters, X):
    """The scores (N, C), and the cache for net_backward."""
    names = roles(parameters, X.shape[1])
    net = network({role: parameters[name] for role, name in names.items()})
    scores, cache = net.forward(X)
    return scores, (names, net, cache)


def net_backward(parameters, grad_scores, cache):
    """name -> gradient."""
    names, net, inner = cache
    grads = by_role(net.backward(grad_scores, inner))
    return {name: grads[role] for role, name in names.items()}


def net_predict(parameters, X):
    """The classes (N,)."""
    return np.argmax(net_forward(parameters, X)[0], axis=1)


def net_step(parameters, X, y, reg):
    """The loss of a training step, and name -> gradient."""
    names = roles(parameters, X.shape[1])
    found, grads = step({role: parameters[name] for role, name in names.items()}, X, y, reg)
    return found, {name: grads[role] for role, name in names.items()}


def roles(parameters, inputs):
    """role -> the student's name of it, by the arrays' shapes; where these do not decide, by their order.

    Raises ValueError where no two layers can be made of them.
    """
    matrices = [name for name, value in parameters.items() if np.ndim(value) == 2]
    vectors = [name for name, value in parameters.items() if np.ndim(value) == 1]
    if len(matrices) == len(vectors) == 2:
        for weight1, weight2 in (matrices, matrices[::-1]):
            for bias1, bias2 in (vectors, vectors[::-1]):
                hidden, classes = parameters[weight2].shape
                shapes = tuple(parameters[name].shape for name in (weight1, bias1, bias2))
                if shapes == ((inputs, hidden), (hidden,), (classes,)):
                    return {"weight1": weight1, "bias1": bias1, "weight2": weight2, "bias2": bias2}
    raise ValueError("two weight matrices (D, H) and (H, C) and their biases are expected")
