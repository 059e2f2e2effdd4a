"""Other right ways to write the functions of functions.py. Blocks are combined: see README.md on selftest."""


# %% f1 in one line each
def f1(x1, w1, x2, w2, b, y):
    d = x1 * w1 + x2 * w2 + b - y
    return d * d, (2 * d * w1, 2 * d * x1, 2 * d * w2, 2 * d * x2, 2 * d, -2 * d)


# %% f1 with math.pow and a list
import math


def f1(x1, w1, x2, w2, b, y):
    y_hat = sum(a * c for a, c in [(x1, w1), (x2, w2)]) + b
    diff = y_hat - y
    L = math.pow(diff, 2)
    g = 2.0 * diff
    grads = [g * w1, g * x1, g * w2, g * x2, g, -g]
    return [L, grads]


# %% f1 named after dL_d
def f1(x1, w1, x2, w2, b, y):
    prod1, prod2 = x1 * w1, x2 * w2
    total = prod1 + prod2
    y_hat = total + b
    d = y_hat - y
    L = d ** 2
    dL_dd = 2 * d
    dd_dyhat, dd_dy = 1, -1
    dL_dyhat = dL_dd * dd_dyhat
    dL_dy = dL_dd * dd_dy
    dL_dtotal, dL_db = dL_dyhat * 1, dL_dyhat * 1
    dL_dprod1, dL_dprod2 = dL_dtotal, dL_dtotal
    return L, (dL_dprod1 * w1, dL_dprod1 * x1, dL_dprod2 * w2, dL_dprod2 * x2, dL_db, dL_dy)


# %% f1 with numpy
import numpy as np


def f1(x1, w1, x2, w2, b, y):
    x, w = np.array([x1, x2]), np.array([w1, w2])
    d = np.dot(x, w) + b - y
    grad_x, grad_w = 2 * d * w, 2 * d * x
    return np.square(d), (grad_x[0], grad_w[0], grad_x[1], grad_w[1], 2 * d, -2 * d)


# %% f1 with a helper
def multiply(a, b):
    return a * b, lambda g: (g * b, g * a)


def f1(x1, w1, x2, w2, b, y):
    a1, back1 = multiply(x1, w1)
    a2, back2 = multiply(x2, w2)
    d = a1 + a2 + b - y
    L, back = multiply(d, d)
    g = sum(back(1.0))
    grad_x1, grad_w1 = back1(g)
    grad_x2, grad_w2 = back2(g)
    return L, (grad_x1, grad_w1, grad_x2, grad_w2, g, -g)


# %% f2 as tanh
import math


def f2(x):
    y = math.tanh(x)
    return y, (1 - y * y,)


# %% f2 by the quotient rule
import math


def f2(x):
    e = math.exp(2 * x)
    top, bottom = e - 1, e + 1
    y = top / bottom
    slope = (2 * e * bottom - top * 2 * e) / (bottom * bottom)
    return y, (slope,)


# %% f2 step by step with a list
import math


def f2(x):
    d = 2 * x
    e = math.e ** d
    t, b = e - 1, e + 1
    y = t * b ** -1
    grad_t, grad_b = 1 / b, -t / b ** 2
    grad_e = grad_t
    grad_e += grad_b
    return y, [2 * e * grad_e]


# %% f2 with numpy
import numpy as np


def f2(x):
    e = np.exp(2 * x)
    return (e - 1) / (e + 1), (np.float64(4) * e / (e + 1) ** 2,)


# %% f2 gives its gradient as an array
import numpy as np


def f2(x):
    e = np.exp(2.0 * np.asarray(x))
    y = (e - 1) / (e + 1)
    return y, np.array([4 * e / (1 + e) / (1 + e)])


# %% f3 by probabilities
import math


def f3(s1, s2, y):
    e1, e2 = math.exp(s1), math.exp(s2)
    p1, p2 = e1 / (e1 + e2), e2 / (e1 + e2)
    if y == 1:
        return -math.log(p1), (p1 - 1, p2)
    return -math.log(p2), (p1, p2 - 1)


# %% f3 as a logistic loss
import math


def f3(s1, s2, y):
    sign = 1 if y == 1 else -1
    z = sign * (s2 - s1)
    L = math.log1p(math.exp(z))
    slope = 1 / (1 + math.exp(-z))
    return L, (-sign * slope, sign * slope)


# %% f3 with the maximum taken off
import math


def f3(s1, s2, y):
    top = max(s1, s2)
    a, b = math.exp(s1 - top), math.exp(s2 - top)
    s = s1 if y == 1 else s2
    L = top + math.log(a + b) - s
    return L, (a / (a + b) - (y == 1), b / (a + b) - (y == 2))


# %% f3 with numpy
import numpy as np


def f3(s1, s2, y):
    s = np.array([s1, s2])
    p = np.exp(s) / np.sum(np.exp(s))
    grad = p.copy()
    grad[y - 1] -= 1
    return -np.log(p[y - 1]), tuple(grad)


# %% f3 gives its gradients as an array
import numpy as np


def f3(s1, s2, y):
    s = np.asarray([s1, s2], dtype=float)
    e = np.exp(s - s.max())
    p = e / e.sum()
    one_hot = np.eye(2)[y - 1]
    return float(-(one_hot * np.log(p)).sum()), p - one_hot


# %% f3 with a dict of branches
import math


def f3(s1, s2, y):
    e = {1: math.exp(s1), 2: math.exp(s2)}
    d = e[1] + e[2]
    p = e[y] / d
    grad_p = -1 / p
    grad_d = -grad_p * e[y] / d ** 2
    grad_e = {k: grad_d + (grad_p / d if k == y else 0) for k in e}
    return -math.log(p), (grad_e[1] * e[1], grad_e[2] * e[2])


# %% f3 branch by branch
import math


def f3(s1, s2, y):
    """Forward, then backward, each branch written out."""
    e1 = math.exp(s1)
    e2 = math.exp(s2)
    d = e1 + e2
    if y == 1:
        p = e1 / d
        L = -math.log(p)
        dp = -1.0 / p
        de1 = dp * (d - e1) / d ** 2
        de2 = dp * (-e1) / d ** 2
    else:
        p = e2 / d
        L = -math.log(p)
        dp = -1.0 / p
        de1 = dp * (-e2) / d ** 2
        de2 = dp * (d - e2) / d ** 2
    return L, (de1 * e1, de2 * e2)


# %% f3 by the difference of the scores
import math


def f3(s1, s2, y):
    right, other = (s1, s2) if y == 1 else (s2, s1)
    L = math.log(math.exp(right) + math.exp(other)) - right
    wrong_p = math.exp(other) / (math.exp(right) + math.exp(other))
    grads = (-wrong_p, wrong_p)
    return L, grads if y == 1 else grads[::-1]


# %% f3 with type hints
from math import exp, log


def f3(s1: float, s2: float, y: int) -> tuple[float, tuple[float, float]]:
    exps = [exp(s) for s in (s1, s2)]
    total = sum(exps)
    probs = [e / total for e in exps]
    loss = -log(probs[y - 1])
    return loss, (probs[0] - int(y == 1), probs[1] - int(y == 2))


# %% f3 chooses by arithmetic
import math


def f3(s1, s2, y):
    first, second = 2 - y, y - 1
    e1, e2 = math.exp(s1), math.exp(s2)
    d = e1 + e2
    p = (first * e1 + second * e2) / d
    return -math.log(p), (e1 / d - first, e2 / d - second)


# %% f4 of two inputs
import math


def f4(a, b):
    s, c = math.sin(a), math.cos(b)
    p = s * c
    q = p + a
    L = q * q
    return L, (2 * q * (math.cos(a) * c + 1), -2 * q * s * math.sin(b))


# %% f4 with numpy
import numpy as np


def f4(x, y, z):
    u = np.exp(-x * y)
    v = 1 + u
    w = np.sqrt(v) * z
    g = 0.5 * z / np.sqrt(v)
    return w, (-y * u * g, -x * u * g, np.sqrt(v))


# %% f4 of four inputs, as a list
def f4(a, b, c, d):
    p = a * b
    q = c / (d + 1)
    r = p - q
    L = r ** 3
    g = 3 * r ** 2
    return L, [g * b, g * a, -g / (d + 1), g * c / (d + 1) ** 2]


# %% f4 with a default
import math


def f4(x, scale=0.7):
    y = math.tanh(scale * x) ** 2
    t = math.tanh(scale * x)
    slope = 2 * t * (1 - t * t)
    return y, (slope * scale, slope * x)


# %% f4 as a logarithm
import math


def f4(a, b, c):
    t = a * a + b * b + 1
    L = math.log(t) * c
    return L, (2 * a * c / t, 2 * b * c / t, math.log(t))
