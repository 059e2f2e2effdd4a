import math

EPS = 1e-12


def f1(x1, w1, x2, w2, b, y):
    d = x1 * w1 + x2 * w2 + b - y
    return d**2, (2 * d * w1, 2 * d * x1, 2 * d * w2, 2 * d * x2, 2 * d, -2 * d)


def f2(x):
    y = math.tanh(x)
    return y, (1 - y**2,)


def f3(s1, s2, y):
    e1, e2 = math.exp(s1), math.exp(s2)
    d = e1 + e2
    p1, p2 = e1 / d, e2 / d
    p = p1 if y == 1 else p2
    L = -math.log(p + EPS)

    grad_p = -1 / (p + EPS)
    grad_p1, grad_p2 = (grad_p, 0) if y == 1 else (0, grad_p)
    grad_d = -(grad_p1 * e1 + grad_p2 * e2) / d**2
    return L, ((grad_p1 / d + grad_d) * e1, (grad_p2 / d + grad_d) * e2)


def f3_y1(s1, s2):
    return f3(s1, s2, y=1)


def f3_y2(s1, s2):
    return f3(s1, s2, y=2)


def f4(a, b):
    return a * b, (b, a)
