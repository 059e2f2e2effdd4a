"""Scalar computational graphs, each a forward and a backward pass through the picture of the same name.

Every function returns (output, gradients), where gradients is a tuple with one derivative of the output per input.
"""

import math


def f1(x1, w1, x2, w2, b, y):
    """The graph f1.

    Inputs: six floats.
    Returns: L, (grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y)
    """
    # Forward pass
    # Your code here.
    L = None

    # Backward pass
    # Your code here.
    grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y = None, None, None, None, None, None

    return L, (grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y)


def f2(x):
    """The graph f2.

    Inputs: one float.
    Returns: y, (grad_x,)
    """
    # Forward pass
    # Your code here.
    y = None

    # Backward pass
    # Your code here.
    grad_x = None

    return y, (grad_x,)


def f3(s1, s2, y):
    """The graph f3.

    Inputs: two floats, and y, which is the integer 1 or 2 and needs no gradient.
    Returns: L, (grad_s1, grad_s2)
    """
    # Forward pass
    # Your code here.
    L = None

    # Backward pass
    # Your code here.
    grad_s1, grad_s2 = None, None

    return L, (grad_s1, grad_s2)


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
    # Your code here.
    L, gradients = None, None

    return L, gradients
