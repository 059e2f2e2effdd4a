from tqdm import tqdm
import pdb
import math


def f1(x1, w1, x2, w2, b, y):
    # forward
    y_hat = x1 * w1 + x2 * w2 + b
    d = y_hat - y
    L = d ** 2
    # backward
    grad_d = 2 * d
    grad_y = -grad_d
    grad_b = grad_d
    return L, (grad_d * w1, grad_d * x1, grad_d * w2, grad_d * x2, grad_b, grad_y)


def f2(x):
    d = 2 * x
    e = math.exp(d)
    t = e - 1
    b = e + 1
    y = t / b
    grad_t = 1 / b
    grad_b = -t / b ** 2
    grad_e = grad_t + grad_b
    grad_d = grad_e * e
    return y, (2 * grad_d,)


def f3(s1, s2, y):
    e1 = math.exp(s1)
    e2 = math.exp(s2)
    d = e1 + e2
    p1 = e1 / d
    p2 = e2 / d
    p_correct = p1 if y == 1 else p2
    L = -math.log(p_correct)
    # backward
    grad_p = -1 / p_correct
    grad_p1 = grad_p if y == 1 else 0
    grad_p2 = grad_p if y == 2 else 0
    grad_d = -grad_p1 * e1 / d ** 2 - grad_p2 * e2 / d ** 2
    grad_e1 = grad_p1 / d + grad_d
    grad_e2 = grad_p2 / d + grad_d
    return L, (grad_e1 * e1, grad_e2 * e2)


def f3_y1(s1, s2):
    return f3(s1, s2, y=1)


def f3_y2(s1, s2):
    return f3(s1, s2, y=2)


def f4(a, b, c):
    # sigmoid of a * b, times c
    s = 1 / (1 + math.exp(-a * b))
    L = s * c
    ds = s * (1 - s) * c
    return L, (ds * b, ds * a, s)
