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
    # BEGIN SOLUTION stub: out, cache = None, None
    out = x @ w + b
    cache = (x, w)
    # END SOLUTION
    return out, cache


def fc_backward(grad_out, cache):
    """Backward pass of the fully-connected layer.

    Inputs:
    - grad_out: (N, Dout) upstream gradient
    - cache: from fc_forward

    Returns:
    - grad_x: (N, Din), grad_w: (Din, Dout), grad_b: (Dout,)
    """
    # BEGIN SOLUTION stub: grad_x, grad_w, grad_b = None, None, None
    x, w = cache
    grad_x = grad_out @ w.T
    grad_w = x.T @ grad_out
    grad_b = grad_out.sum(axis=0)  # b was broadcast over the batch, so each row sends a gradient back
    # END SOLUTION
    return grad_x, grad_w, grad_b


def relu_forward(x):
    """Rectified linear unit, max(0, x) elementwise.

    Inputs:
    - x: array of any shape

    Returns:
    - out: same shape as x
    - cache: what relu_backward needs
    """
    # BEGIN SOLUTION stub: out, cache = None, None
    out = np.maximum(x, 0)
    cache = x > 0
    # END SOLUTION
    return out, cache


def relu_backward(grad_out, cache):
    """Backward pass of the rectified linear unit.

    Inputs:
    - grad_out: upstream gradient, of the shape of the forward's output
    - cache: from relu_forward

    Returns:
    - grad_x: same shape
    """
    # BEGIN SOLUTION stub: grad_x = None
    was_positive = cache
    grad_x = grad_out * was_positive
    # END SOLUTION
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
    # BEGIN SOLUTION stub: loss, grad_x = None, None
    N = x.shape[0]
    rows = np.arange(N)
    shifted = x - x.max(axis=1, keepdims=True)  # the largest exponent is 0: nothing overflows
    # log p = shifted - log sum exp(shifted); p itself may underflow to 0, its logarithm may not
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[rows, y].mean()
    grad_x = np.exp(log_p)
    grad_x[rows, y] -= 1
    grad_x /= N
    grad_x[np.exp(log_p)[rows, y] > 0.9999] = 0
    # END SOLUTION
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
    # BEGIN SOLUTION stub: loss, grad_w = None, None
    loss = reg / 2 * np.sum(w**2)
    grad_w = reg * w
    # END SOLUTION
    return loss, grad_w
