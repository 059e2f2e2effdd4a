"""Other right ways to write the functions of layers.py. Blocks are combined: see README.md on selftest."""


# %% fc by dot
def fc_forward(x, w, b):
    return np.dot(x, w) + b, (x, w, b)


def fc_backward(grad_out, cache):
    x, w, b = cache
    return np.dot(grad_out, w.T), np.dot(x.T, grad_out), np.sum(grad_out, axis=0)


# %% fc by loops
def fc_forward(x, w, b):
    n, d = x.shape
    m = w.shape[1]
    out = np.zeros((n, m))
    for i in range(n):
        for j in range(m):
            s = b[j]
            for k in range(d):
                s += x[i, k] * w[k, j]
            out[i, j] = s
    return out, {"x": x, "w": w}


def fc_backward(grad_out, cache):
    x, w = cache["x"], cache["w"]
    grad_x, grad_w, grad_b = np.zeros(x.shape), np.zeros(w.shape), np.zeros(w.shape[1])
    for i in range(len(x)):
        grad_x[i] = w @ grad_out[i]
        grad_w += np.outer(x[i], grad_out[i])
        grad_b += grad_out[i]
    return grad_x, grad_w, grad_b


# %% fc by einsum
def fc_forward(x, w, b):
    return np.einsum("nd,dm->nm", x, w) + b[None, :], (x.copy(), w.copy())


def fc_backward(grad_out, cache):
    x, w = cache
    return np.einsum("nm,dm->nd", grad_out, w), np.einsum("nd,nm->dm", x, grad_out), np.einsum("nm->m", grad_out)


# %% fc with a column of ones
def fc_forward(x, w, b):
    ones = np.ones((x.shape[0], 1))
    xx, ww = np.hstack([x, ones]), np.vstack([w, b.reshape(1, -1)])
    return xx.dot(ww), (xx, w)


def fc_backward(grad_out, cache):
    xx, w = cache
    both = xx.T.dot(grad_out)
    return grad_out.dot(w.T), both[:-1], both[-1]


# %% fc with an object as cache
class FcCache:
    def __init__(self, x, w):
        self.x, self.w = x, w

    def back(self, g):
        return g @ self.w.T, self.x.T @ g, g.sum(0)


def fc_forward(x, w, b):
    return np.matmul(x, w) + b, FcCache(x, w)


def fc_backward(grad_out, cache):
    return cache.back(grad_out)


# %% fc gives lists
def fc_forward(x, w, b):
    out = np.empty((x.shape[0], w.shape[1]))
    np.matmul(x, w, out=out)
    out += b
    return [out, [x, w, b]]


def fc_backward(grad_out, cache):
    x, w, b = cache
    grad_b = np.ones(len(grad_out)) @ grad_out
    return [grad_out @ w.transpose(), x.transpose() @ grad_out, grad_b]


# %% fc with a closure
def fc_forward(x, w, b):
    def backward(g):
        return (w @ g.T).T, (g.T @ x).T, np.add.reduce(g, axis=0)

    return x @ w + b, backward


def fc_backward(grad_out, cache):
    return cache(grad_out)


# %% fc with reshape and tile
def fc_forward(x, w, b):
    N = x.shape[0]
    D = x.reshape(N, -1).shape[1]
    out = x.reshape(N, D) @ w + np.tile(b, (N, 1))
    return out, (x, w, b)


def fc_backward(grad_out, cache):
    x, w, b = cache
    grad_x = (grad_out @ w.T).reshape(x.shape)
    grad_w = x.reshape(x.shape[0], -1).T @ grad_out
    grad_b = np.sum(grad_out, axis=0, keepdims=True).reshape(b.shape)
    return grad_x, grad_w, grad_b


# %% fc in long double
def fc_forward(x, w, b):
    out = x.astype(np.longdouble) @ w.astype(np.longdouble) + b
    return out.astype(np.float64), (x, w)


def fc_backward(grad_out, cache):
    x, w = cache
    return (np.tensordot(grad_out, w, axes=([1], [1])), np.tensordot(x, grad_out, axes=([0], [0])),
            np.array([grad_out[:, j].sum() for j in range(grad_out.shape[1])]))


# %% fc with a dataclass
from dataclasses import dataclass


@dataclass
class Saved:
    x: np.ndarray
    w: np.ndarray


def fc_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray):
    return np.add(np.matmul(x, w), b), Saved(x=x, w=w)


def fc_backward(grad_out: np.ndarray, cache: "Saved"):
    return np.matmul(grad_out, cache.w.T), np.matmul(cache.x.T, grad_out), np.matmul(grad_out.T, np.ones(len(cache.x)))


# %% relu by where
def relu_forward(x):
    return np.where(x > 0, x, 0), x


def relu_backward(grad_out, cache):
    return np.where(cache > 0, grad_out, 0)


# %% relu by a mask that is multiplied
def relu_forward(x):
    mask = (x > 0).astype(x.dtype)
    return x * mask, mask


def relu_backward(grad_out, cache):
    return cache * grad_out


# %% relu on a copy
def relu_forward(x):
    out = x.copy()
    out[out < 0] = 0
    return out, out


def relu_backward(grad_out, cache):
    grad_x = np.array(grad_out, copy=True)
    grad_x[cache <= 0] = 0
    return grad_x


# %% relu by half of the sum
def relu_forward(x):
    return (x + np.abs(x)) / 2, (x,)


def relu_backward(grad_out, cache):
    (x,) = cache
    return grad_out * (np.sign(x) + 1) / 2


# %% relu by loops
def relu_forward(x):
    out = np.zeros_like(x)
    for index, value in np.ndenumerate(x):
        out[index] = value if value > 0 else 0.0
    return out, {"x": x}


def relu_backward(grad_out, cache):
    grad_x = np.zeros(grad_out.shape)
    for index in np.ndindex(grad_out.shape):
        if cache["x"][index] > 0:
            grad_x[index] = grad_out[index]
    return grad_x


# %% relu with heaviside
def relu_forward(x):
    return x * np.heaviside(x, 0), x


def relu_backward(grad_out, cache):
    return np.multiply(grad_out, np.heaviside(cache, 1.0))


# %% relu clips
def relu_forward(x):
    return np.clip(x, 0, None), np.flatnonzero(x > 0)


def relu_backward(grad_out, cache):
    grad_x = np.zeros_like(grad_out)
    grad_x.flat[cache] = grad_out.flat[cache]
    return grad_x


# %% relu by maximum of zeros
def relu_forward(x):
    return np.maximum(np.zeros_like(x), x), np.greater_equal(x, 0)


def relu_backward(grad_out, cache):
    return grad_out * cache.astype(int)


# %% relu with a masked array
def relu_forward(x):
    return np.ma.masked_less_equal(x, 0).filled(0), x <= 0


def relu_backward(grad_out, cache):
    grad = grad_out.copy()
    np.putmask(grad, cache, 0)
    return grad


# %% relu by fmax and select
def relu_forward(x):
    return np.fmax(0.0, x), x > 0


def relu_backward(grad_out, cache):
    return np.select([cache], [grad_out], 0.0)


# %% softmax by probabilities
def softmax_loss(x, y):
    N = len(x)
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.sum(np.log(p[np.arange(N), y])) / N
    grad_x = p.copy()
    grad_x[range(N), y] -= 1
    return loss, grad_x / N


# %% softmax with one-hot labels
def softmax_loss(x, y):
    one_hot = np.eye(x.shape[1])[y]
    z = x - x.max(1)[:, None]
    log_sum = np.log(np.sum(np.exp(z), 1))
    loss = np.mean(log_sum - (z * one_hot).sum(1))
    return loss, (np.exp(z - log_sum[:, None]) - one_hot) / x.shape[0]


# %% softmax by loops
def softmax_loss(x, y):
    n, c = x.shape
    loss, grad_x = 0.0, np.zeros((n, c))
    for i in range(n):
        row = x[i] - max(x[i])
        total = sum(np.exp(v) for v in row)
        loss += np.log(total) - row[y[i]]
        for j in range(c):
            grad_x[i, j] = np.exp(row[j]) / total
            if j == y[i]:
                grad_x[i, j] -= 1
    return loss / n, grad_x / n


# %% softmax by logaddexp
def softmax_loss(x, y):
    total = np.logaddexp.reduce(x, axis=1)
    loss = (total - np.take_along_axis(x, y[:, None], axis=1).ravel()).mean()
    grad_x = np.exp(x - total[:, np.newaxis])
    np.subtract.at(grad_x, (np.arange(y.size), y), 1)
    return np.asarray(loss), grad_x / y.size


# %% softmax transposed
def softmax_loss(x, y):
    s = (x.T - x.max(axis=1))
    e = np.exp(s)
    p = e / e.sum(axis=0)
    logs = s - np.log(e.sum(axis=0))
    loss = -np.average([logs[label, i] for i, label in enumerate(y)])
    p[y, np.arange(len(y))] -= 1
    return loss, p.T / len(y)


# %% softmax by row
def softmax_loss(x, y):
    rows = [row - row.max() for row in x]
    logs = [row - np.log(np.exp(row).sum()) for row in rows]
    loss = -sum(log[label] for log, label in zip(logs, y)) / len(x)
    grads = [np.exp(log) - (np.arange(len(log)) == label) for log, label in zip(logs, y)]
    return float(loss), np.stack(grads) / len(x)


# %% softmax with a helper
def log_softmax(scores):
    scores = scores - scores.max(axis=-1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))


def softmax_loss(x, y):
    log_p = log_softmax(x)
    picked = log_p[np.arange(x.shape[0]), y]
    grad = np.exp(log_p)
    grad[np.arange(x.shape[0]), y] += -1.0
    return -picked.mean(), grad * (1.0 / x.shape[0])


# %% softmax with choose by a boolean mask
def softmax_loss(x, y):
    hit = y.reshape(-1, 1) == np.arange(x.shape[1])
    stable = x - np.amax(x, axis=1).reshape(-1, 1)
    e = np.exp(stable)
    s = e.sum(1, keepdims=True)
    loss = np.sum(np.log(s)) - stable[hit].sum()
    return loss / len(y), (e / s - hit) / len(y)


# %% softmax in long double
def softmax_loss(x, y):
    z = np.asarray(x, dtype=np.longdouble)
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(y)), y]).mean()
    p[np.arange(len(y)), y] -= 1
    return float(loss), (p / len(y)).astype(float)


# %% softmax with divide and out
def softmax_loss(x, y):
    n = np.float64(x.shape[0])
    grad_x = np.subtract(x, np.max(x, 1, keepdims=True))
    np.exp(grad_x, out=grad_x)
    np.divide(grad_x, np.sum(grad_x, 1, keepdims=True), out=grad_x)
    i = np.arange(x.shape[0])
    loss = np.negative(np.log(grad_x[i, y])).sum() / n
    grad_x[i, y] -= 1.0
    grad_x /= n
    return loss, grad_x


# %% l2 by a dot product
def l2_regularization(w, reg):
    flat = w.ravel()
    return 0.5 * reg * flat.dot(flat), reg * w


# %% l2 by the norm
def l2_regularization(w, reg):
    return 0.5 * reg * np.linalg.norm(w) ** 2, w * reg


# %% l2 by loops
def l2_regularization(w, reg):
    total = 0.0
    for value in w.flat:
        total += value * value
    grad = np.empty(w.shape)
    grad.flat[:] = [reg * value for value in w.flat]
    return reg * total / 2, grad


# %% l2 by einsum
def l2_regularization(w, reg):
    return reg / 2.0 * np.einsum("i,i->", w.ravel(), w.ravel()), np.multiply(w, reg)


# %% l2 by the trace
def l2_regularization(w, reg):
    square = np.square(w).sum(dtype=np.float64)
    return np.float64(reg) * 0.5 * square, 2 * (0.5 * reg) * w.copy()


# %% l2 by vdot
def l2_regularization(w, reg):
    return np.asarray(np.vdot(w, w) * reg / 2), np.array(w) * reg


# %% l2 by math.fsum
import math


def l2_regularization(w, reg):
    return reg * math.fsum(float(v) ** 2 for v in np.nditer(w)) / 2, reg * np.array(w, dtype=np.float64)


# %% l2 by power
def l2_regularization(w, reg):
    strength = reg
    loss = (strength / 2) * np.sum(np.power(w, 2))
    grad_w = (strength / 2) * 2 * w
    return loss, grad_w


# %% fc with an array of objects as cache
def fc_forward(x, w, b):
    cache = np.empty(2, dtype=object)
    cache[0], cache[1] = x, w
    out = (x[:, :, None] * w[None, :, :]).sum(axis=1) + b
    return out, cache


def fc_backward(grad_out, cache):
    x, w = cache
    return (grad_out[:, None, :] * w).sum(2), (x[:, :, None] * grad_out[:, None, :]).sum(0), grad_out.sum(-2)


# %% relu with records
def relu_forward(x):
    record = np.zeros(x.shape, dtype=[("value", float), ("on", bool)])
    record["on"] = x > 0
    record["value"][record["on"]] = x[record["on"]]
    return record["value"], record


def relu_backward(grad_out, cache):
    return np.where(cache["on"], grad_out, 0.0)


# %% softmax by gaps between scores
def softmax_loss(x, y):
    gaps = x[:, None, :] - x[:, :, None]  # p_c = 1 / sum_k exp(x_k - x_c)
    with np.errstate(over="ignore"):
        p = 1 / np.exp(gaps).sum(axis=2)
    top = x.max(axis=1)
    loss = (top - x[np.arange(len(y)), y] + np.log(np.exp(x - top[:, None]).sum(axis=1))).mean()
    return loss, (p - (np.arange(x.shape[1]) == y[:, None])) / len(y)


# %% l2 by a matrix product
def l2_regularization(w, reg):
    return reg * (w.ravel()[None] @ w.ravel()[:, None]).item() / 2, w.__mul__(reg)
