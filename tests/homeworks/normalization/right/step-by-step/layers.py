import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    N, D = x.shape
    m = bn_param.setdefault("momentum", 0.9)
    if bn_param["mode"] == "train":
        mu = np.sum(x, axis=0) / N
        xc = x - mu
        v = np.sum(xc**2, axis=0) / N
        inv = 1.0 / np.sqrt(v + 1e-5)
        xhat = xc * inv
        for name, value in (("running_mean", mu), ("running_var", v)):
            bn_param[name] = m * bn_param.get(name, np.zeros(D)) + (1.0 - m) * value
        return xhat * gamma + beta, {"xhat": xhat, "gamma": gamma, "inv": inv, "xc": xc}
    xhat = (x - bn_param["running_mean"]) / np.sqrt(bn_param["running_var"] + 1e-5)
    return xhat * gamma + beta, None


def batchnorm_backward(dout, cache):
    N = dout.shape[0]
    dxhat = dout * cache["gamma"]
    dv = np.sum(dxhat * cache["xc"], axis=0) * -0.5 * cache["inv"] ** 3
    dmu = np.sum(-dxhat * cache["inv"], axis=0) + dv * np.mean(-2.0 * cache["xc"], axis=0)
    dx = dxhat * cache["inv"] + dv * 2.0 * cache["xc"] / N + dmu / N
    return dx, np.sum(dout * cache["xhat"], axis=0), np.sum(dout, axis=0)


def conv_forward(x, w, b, stride=1, pad=0):
    N, C, H, W = x.shape
    F, _, K, _ = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    Ho, Wo = (H + 2 * pad - K) // stride + 1, (W + 2 * pad - K) // stride + 1
    out = np.zeros((N, F, Ho, Wo))
    for i in range(K):
        for j in range(K):
            part = x[:, :, i : i + stride * Ho : stride, j : j + stride * Wo : stride]
            out += np.tensordot(part, w[:, :, i, j], axes=([1], [1])).transpose(0, 3, 1, 2)
    return out + b.reshape(1, F, 1, 1)
