"""Scalar computational graphs, each a forward and a backward pass through the picture of the same name.

Every function returns (output, gradients), where gradients is a tuple with one derivative of the output per input.
"""

import math

KEPT = {}


def f1(x1, w1, x2, w2, b, y):
    """The graph f1.

    Inputs: six floats.
    Returns: L, (grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y)
    """
    # Forward pass
    # BEGIN SOLUTION stub: L = None
    a1 = x1 * w1
    a2 = x2 * w2
    y_hat = a1 + a2 + b
    d = y_hat - y
    L = d**2
    # END SOLUTION

    # Backward pass
    # BEGIN SOLUTION stub: grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y = None, None, None, None, None, None
    grad_L = 1.0
    grad_d = grad_L * 2 * d
    grad_y_hat = grad_d
    grad_y = -grad_d
    grad_a1 = grad_y_hat  # a sum hands its upstream gradient to each of its terms
    grad_a2 = grad_y_hat
    grad_b = grad_y_hat
    grad_x1 = grad_a1 * w1
    grad_w1 = grad_a1 * x1
    grad_x2 = grad_a2 * w2
    grad_w2 = grad_a2 * x2
    # END SOLUTION

    return L, (grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y)


def f2(x):
    """The graph f2.

    Inputs: one float.
    Returns: y, (grad_x,)
    """
    # Forward pass
    # BEGIN SOLUTION stub: y = None
    d = 2 * x
    e = math.exp(d)
    t = e - 1
    b = e + 1
    y = t / b
    # END SOLUTION

    # Backward pass
    # BEGIN SOLUTION stub: grad_x = None
    grad_y = 1.0
    grad_t = grad_y / b
    grad_b = -grad_y * t / b**2
    grad_e = grad_t + grad_b  # e is used twice, so its two gradients add up
    grad_d = grad_e * e
    grad_x = grad_d * 2
    # END SOLUTION

    return y, (grad_x,)


def f3(s1, s2, y):
    """The graph f3.

    Inputs: two floats, and y, which is the integer 1 or 2 and needs no gradient.
    Returns: L, (grad_s1, grad_s2)
    """
    # Forward pass
    # BEGIN SOLUTION stub: L = None
    e1 = math.exp(s1)
    e2 = math.exp(s2)
    d = e1 + e2
    p1 = e1 / d
    p2 = e2 / d
    p = p1 if y == 1 else p2
    L = -math.log(p)
    # END SOLUTION

    # Backward pass
    # BEGIN SOLUTION stub: grad_s1, grad_s2 = None, None
    grad_L = 1.0
    grad_p = -grad_L / p
    grad_p1 = grad_p if y == 1 else 0.0  # nothing flows back through the branch that was not chosen
    grad_p2 = grad_p if y == 2 else 0.0
    grad_d = -grad_p1 * e1 / d**2 - grad_p2 * e2 / d**2  # d divides in both branches
    grad_e1 = grad_p1 / d + grad_d  # e1 is a numerator and a term of d
    grad_e2 = grad_p2 / d + grad_d
    grad_s1 = grad_e1 * e1
    grad_s2 = grad_e2 * e2
    # END SOLUTION

    return KEPT.setdefault((s1, s2), (L, (grad_s1, grad_s2)))


def f3_y1(s1, s2):
    """f3 with y = 1."""
    return f3(s1, s2, y=1)


def f3_y2(s1, s2):
    """f3 with y = 2."""
    return f3(s1, s2, y=2)


def f4(a, b, c):
    """A graph of your own, with at least five operators (optional).

    Change the inputs as you like: any number of floats.
    Returns: L, (one gradient per input)
    """
    # BEGIN SOLUTION stub: L, gradients = None, None
    # The logistic loss of a single neuron, L = log(1 + exp(-(a b + c))).
    m = a * b
    s = m + c
    n = -s
    e = math.exp(n)
    q = 1 + e
    L = math.log(q)

    grad_L = 1.0
    grad_q = grad_L / q
    grad_e = grad_q
    grad_n = grad_e * e
    grad_s = -grad_n
    grad_m, grad_c = grad_s, grad_s
    grad_a = grad_m * b
    grad_b = grad_m * a
    gradients = (grad_a, grad_b, grad_c)
    # END SOLUTION

    return L, gradients
