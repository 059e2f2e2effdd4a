import numpy as np

EPS = 1e-12


def fc_forward(x, w, b):
    return np.dot(x, w) + b, (x, w)


def fc_backward(grad_out, cache):
    x, w = cache
    return np.dot(grad_out, w.T), np.dot(x.T, grad_out), np.sum(grad_out, axis=0)


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(grad_out, cache):
    return np.where(cache > 0, grad_out, 0)


def l2_loss(x, y):
    return 0.5 * np.sum((x - y) ** 2) / x.shape[0], (x - y) / x.shape[0]


def softmax_loss(x, y):
    N = x.shape[0]
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    d = np.sum(e, axis=1, keepdims=True)
    p = e / d
    picked = p[np.arange(N), y] + EPS  # keeps log and 1/p finite
    loss = -np.mean(np.log(picked))

    grad_p = np.zeros_like(p)
    grad_p[np.arange(N), y] = -1 / picked / N
    grad_e = grad_p / d - np.sum(grad_p * e / d**2, axis=1, keepdims=True)
    return loss, grad_e * e


def l2_regularization(w, reg):
    return reg / 2 * np.sum(w**2), reg * w
