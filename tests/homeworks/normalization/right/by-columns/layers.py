import numpy as np

eps = 1e-5


def batchnorm_forward(x, gamma, beta, bn_param):
    mode, momentum = bn_param["mode"], bn_param.get("momentum", 0.9)
    running = np.stack([bn_param.get(k, np.zeros_like(beta)) for k in ("running_mean", "running_var")])
    cache = None
    if mode == "train":
        now = np.stack([np.mean(x, 0), np.var(x, 0)])
        running *= momentum
        running += (1 - momentum) * now
        cache = (x, now[0], now[1], gamma)
        stats = now
    elif mode == "test":
        stats = running
    else:
        raise ValueError('Invalid forward batchnorm mode "%s"' % mode)
    bn_param["running_mean"], bn_param["running_var"] = running
    return (x - stats[0]) / np.sqrt(stats[1] + eps) * gamma + beta, cache


def batchnorm_backward(dout, cache):
    x, mean, var, gamma = cache
    n = float(len(x))
    ivar = (var + eps) ** -0.5
    xhat = (x - mean) * ivar
    dbeta = np.ones(len(x)) @ dout
    dgamma = np.einsum("nd,nd->d", dout, xhat)
    return gamma * ivar / n * (n * dout - dbeta - xhat * dgamma), dgamma, dbeta


def conv_forward(x, w, b, stride=1, pad=0):
    n, c, h, wd = x.shape
    f, _, k, _ = w.shape
    if pad > 0:
        padded = np.zeros((n, c, h + 2 * pad, wd + 2 * pad), dtype=x.dtype)
        padded[:, :, pad:-pad, pad:-pad] = x
        x = padded
    ho, wo = 1 + (h + 2 * pad - k) // stride, 1 + (wd + 2 * pad - k) // stride
    rows = stride * np.repeat(np.arange(ho), wo)[None, :] + np.tile(np.repeat(np.arange(k), k), c)[:, None]
    cols = stride * np.tile(np.arange(wo), ho)[None, :] + np.tile(np.arange(k), k * c)[:, None]
    deep = np.repeat(np.arange(c), k * k)[:, None]
    columns = x[:, deep, rows, cols]
    return (w.reshape(f, -1) @ columns + b[:, None]).reshape(n, f, ho, wo)
