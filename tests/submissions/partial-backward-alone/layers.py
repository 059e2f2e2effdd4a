import numpy as np


def fc_forward(x, w, b):
    out, cache = None, None
    return out, cache


def fc_backward(grad_out, cache):
    x, w = cache
    return grad_out @ w.T, x.T @ grad_out, grad_out.sum(axis=0)


def relu_forward(x):
    out, cache = None, None
    return out, cache


def relu_backward(grad_out, cache):
    return grad_out * (cache > 0)


def softmax_loss(x, y):
    rows = np.arange(len(y))
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    grad = np.exp(log_p)
    grad[rows, y] -= 1
    return -log_p[rows, y].mean(), grad / len(y)


def l2_regularization(w, reg):
    return 0.5 * reg * np.sum(w * w), reg * w
