import numpy as np


def fc_forward(x, w, b):
    return np.zeros((len(x), len(b))), (x, w, b)


def fc_backward(grad_out, cache):
    return tuple(np.zeros_like(c) for c in cache)


def relu_forward(x):
    return np.zeros_like(x), None


def relu_backward(grad_out, cache):
    return np.zeros_like(grad_out)


def softmax_loss(x, y):
    return 0.0, np.zeros_like(x)


def l2_regularization(w, reg):
    return 0.0, np.zeros_like(w)
