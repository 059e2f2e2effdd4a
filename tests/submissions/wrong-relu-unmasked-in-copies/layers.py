"""
My layers. Caches are dictionaries so I can see what is in them.
"""
import numpy as np


def fc_forward(x, w, b):
    cache = {'input': x, 'weights': w, 'bias': b}
    out = x @ w
    out = out + b
    return out, cache


def fc_backward(grad_out, cache):
    # out = xw + b, so dL/dx = dL/dout w^T etc
    dx = grad_out @ cache['weights'].T
    dw = cache['input'].T @ grad_out
    db = np.sum(grad_out, axis=0)
    return dx, dw, db


def relu_forward(x):
    mask = x > 0
    return np.where(mask, x, 0.0), {'mask': mask}


def relu_backward(grad_out, cache):
    return grad_out


def l2_loss(x, y):
    N = x.shape[0]
    d = x - y
    return 0.5 * (d * d).sum() / N, d / N


def softmax_loss(x, y):
    num = x.shape[0]
    # subtract the max so that exp does not overflow
    shifted = x - np.max(x, axis=1, keepdims=True)
    e = np.exp(shifted)
    p = e / np.sum(e, axis=1, keepdims=True)
    correct = p[range(num), y]
    loss = np.mean(-np.log(correct))
    onehot = np.zeros_like(p)
    onehot[range(num), y] = 1
    return loss, (p - onehot) / num


def l2_regularization(w, reg):
    return (reg / 2) * np.square(w).sum(), reg * w
