import numpy as np


class Cache:
    """Just remembers things."""

    def __init__(self, **kwargs):
        self.__dict__.update(kwargs)


def fc_forward(x, w, b):
    return np.einsum('nd,dm->nm', x, w) + b[np.newaxis], Cache(x=x, w=w)


def fc_backward(grad_out, cache):
    return (
        np.einsum('nm,dm->nd', grad_out, cache.w),
        np.einsum('nd,nm->dm', cache.x, grad_out),
        np.einsum('nm->m', grad_out),
    )


def relu_forward(x):
    return x * (x > 0), Cache(on=x > 0)


def relu_backward(grad_out, cache):
    return np.einsum('nd,nd->nd', grad_out, cache.on)


def l2_loss(x, y):
    d = x - y
    return np.einsum('nd,nd->', d, d) / 2 / d.shape[0], d / d.shape[0]


def log_sum_exp(x):
    top = x.max(1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(1, keepdims=True))


def softmax_loss(x, y):
    Y = np.eye(x.shape[1])[y]
    logp = x - log_sum_exp(x)
    return -np.einsum('nc,nc->', Y, logp) / len(Y), (np.exp(logp) - Y) / len(Y)


def l2_regularization(w, reg):
    return np.einsum('ij,ij->', w, w) * reg / 2, w * reg
