"""Batch normalization and convolution."""

import numpy as np

EPS = 1e-5


def batchnorm_forward(x, gamma, beta, bn_param):
    """x (N, D) -> out (N, D), cache. bn_param: mode, momentum (0.9), and running_mean and running_var, kept up here."""
    # BEGIN SOLUTION stub: out, cache = None, None
    momentum = bn_param.get("momentum", 0.9)
    mean = bn_param.get("running_mean", np.zeros(x.shape[1]))
    var = bn_param.get("running_var", np.zeros(x.shape[1]))
    if bn_param["mode"] == "train":
        batch_mean, batch_var = x.mean(axis=0), x.var(axis=0)
        bn_param["running_mean"] = momentum * mean + (1 - momentum) * batch_mean
        bn_param["running_var"] = momentum * var + (1 - momentum) * batch_var
        mean, var = batch_mean, batch_var
    std = np.sqrt(var + EPS)
    normed = (x - mean) / std
    out, cache = gamma * normed + beta, (normed, gamma, std)
    # END SOLUTION
    return out, cache


def batchnorm_backward(dout, cache):
    """-> dx, dgamma, dbeta of a forward pass in train mode."""
    # BEGIN SOLUTION stub: dx, dgamma, dbeta = None, None, None
    normed, gamma, std = cache
    dgamma, dbeta = (dout * normed).sum(axis=0), dout.sum(axis=0)
    dnormed = dout * gamma
    dx = (dnormed - dnormed.mean(axis=0) - normed * (dnormed * normed).mean(axis=0)) / std
    # END SOLUTION
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
    # BEGIN SOLUTION stub: out = None
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    out = np.einsum("nchwij,fcij->nfhw", windows, w, optimize=True) + b[:, None, None]
    # END SOLUTION
    return out
