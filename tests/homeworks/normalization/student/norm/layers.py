"""Batch normalization and convolution."""

import numpy as np

EPS = 1e-5


def batchnorm_forward(x, gamma, beta, bn_param):
    """x (N, D) -> out (N, D), cache. bn_param: mode, momentum (0.9), and running_mean and running_var, kept up here."""
    # Your code here.
    out, cache = None, None
    return out, cache


def batchnorm_backward(dout, cache):
    """-> dx, dgamma, dbeta of a forward pass in train mode."""
    # Your code here.
    dx, dgamma, dbeta = None, None, None
    return dx, dgamma, dbeta


def conv_loop(x, w, b, stride=1, pad=0):
    """x (N, C, H, W), w (F, C, K, K), b (F,) -> (N, F, H', W'); slow, and right."""
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    size = w.shape[2]
    rows, columns = ((side - size) // stride + 1 for side in x.shape[2:])
    out = np.zeros((len(x), len(w), rows, columns))
    for n, f, i, j in np.ndindex(*out.shape):
        window = x[n, :, i * stride : i * stride + size, j * stride : j * stride + size]
        out[n, f, i, j] = (window * w[f]).sum() + b[f]
    return out


def conv_forward(x, w, b, stride=1, pad=0):
    """The same as conv_loop, without a loop over the output."""
    # Your code here.
    out = None
    return out
