"""Layers and losses, each a small forward and backward pass from which networks are put together.

A forward function returns its output and a cache, which is anything that its backward function will need. A backward
function gets the upstream gradient (of the final loss with respect to the forward's output) and the cache, and returns
the gradient with respect to each input. A loss returns its value and its gradient at once.

N is the batch size, D a number of features, C the number of classes.
"""

import numpy as np


def fc_forward(x, w, b):
    """Fully-connected layer.

    Inputs:
    - x: (N, Din) a batch of inputs
    - w: (Din, Dout) weights
    - b: (Dout,) biases

    Returns:
    - out: (N, Dout) = x w + b
    - cache: what fc_backward needs
    """
    # Your code here.
    out, cache = None, None
    return out, cache


def fc_backward(grad_out, cache):
    """Backward pass of the fully-connected layer.

    Inputs:
    - grad_out: (N, Dout) upstream gradient
    - cache: from fc_forward

    Returns:
    - grad_x: (N, Din), grad_w: (Din, Dout), grad_b: (Dout,)
    """
    # Your code here.
    grad_x, grad_w, grad_b = None, None, None
    return grad_x, grad_w, grad_b


def relu_forward(x):
    """Rectified linear unit, max(0, x) elementwise.

    Inputs:
    - x: array of any shape

    Returns:
    - out: same shape as x
    - cache: what relu_backward needs
    """
    # Your code here.
    out, cache = None, None
    return out, cache


def relu_backward(grad_out, cache):
    """Backward pass of the rectified linear unit.

    Inputs:
    - grad_out: upstream gradient, of the shape of the forward's output
    - cache: from relu_forward

    Returns:
    - grad_x: same shape
    """
    # Your code here.
    grad_x = None
    return grad_x


def l2_loss(x, y):
    """Half the squared distance between x and y, averaged over the batch.

    Inputs:
    - x: (N, D) predictions
    - y: (N, D) targets

    Returns:
    - loss: a number
    - grad_x: (N, D)
    """
    N = x.shape[0]
    diff = x - y
    loss = 0.5 * np.sum(diff**2) / N
    grad_x = diff / N
    return loss, grad_x


def softmax_loss(x, y):
    """Softmax (cross-entropy) loss, averaged over the batch, stable for scores of any size.

    Inputs:
    - x: (N, C) scores
    - y: (N,) integer labels, 0 <= y < C

    Returns:
    - loss: a number
    - grad_x: (N, C)
    """
    # Your code here.
    loss, grad_x = None, None
    return loss, grad_x


def l2_regularization(w, reg):
    """L2 regularization, reg / 2 times the sum of the squares of w.

    Inputs:
    - w: array of any shape
    - reg: regularization strength, a number

    Returns:
    - loss: a number
    - grad_w: same shape as w
    """
    # Your code here.
    loss, grad_w = None, None
    return loss, grad_w
