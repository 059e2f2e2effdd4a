"""Scaled dot-product attention."""

import torch


def attention(q, k, v, *, mask=None, p=0.0):
    """q (B, N, D), k (B, M, D), v (B, M, E), mask (N, M) of bool -> (B, N, E). p: share of the weights dropped out."""
    # Your code here.
    out = None
    return out


def causal_mask(n):
    """(n, n) of bool: whether the row's position may see the column's."""
    # Your code here.
    mask = None
    return mask


def attention_in_chunks(q, k, v, *, chunk):
    """The same as attention, `chunk` queries at a time."""
    # Your code here.
    out = None
    return out
