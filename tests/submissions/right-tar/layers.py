import math

import numpy as np


def fc_forward(x, w, b):
    N, Din = x.shape
    Dout = w.shape[1]
    out = np.zeros((N, Dout))
    for i in range(N):
        for j in range(Dout):
            total = b[j]
            for k in range(Din):
                total += x[i, k] * w[k, j]
            out[i, j] = total
    return out, [x, w, b]


def fc_backward(grad_out, cache):
    x, w, b = cache
    grad_x = np.zeros(x.shape)
    grad_w = np.zeros(w.shape)
    grad_b = np.zeros(b.shape)
    for i in range(x.shape[0]):
        for j in range(w.shape[1]):
            g = grad_out[i, j]
            grad_b[j] += g
            for k in range(w.shape[0]):
                grad_x[i, k] += g * w[k, j]
                grad_w[k, j] += g * x[i, k]
    return grad_x, grad_w, grad_b


def relu_forward(x):
    out = x.copy()
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if out[i, j] < 0:
                out[i, j] = 0
    return out, out


def relu_backward(grad_out, cache):
    grad_x = np.zeros_like(grad_out)
    for i in range(grad_out.shape[0]):
        for j in range(grad_out.shape[1]):
            if cache[i, j] > 0:
                grad_x[i, j] = grad_out[i, j]
    return grad_x


def l2_loss(x, y):
    return 0.5 * np.sum((x - y) ** 2) / len(x), (x - y) / len(x)


def softmax_loss(x, y):
    loss = 0.0
    grad_x = np.zeros(x.shape)
    for i in range(len(x)):
        biggest = max(x[i])
        exps = [math.exp(s - biggest) for s in x[i]]
        total = sum(exps)
        loss += math.log(total) - (x[i][y[i]] - biggest)
        for j in range(len(exps)):
            grad_x[i, j] = exps[j] / total
            if j == y[i]:
                grad_x[i, j] -= 1
    return loss / len(x), grad_x / len(x)


def l2_regularization(w, reg):
    total = 0.0
    for row in w:
        for value in row:
            total += value * value
    return reg * total / 2, reg * w
