"""Scaled dot-product attention."""

import torch


def attention(q, k, v, *, mask=None, p=0.0):
    """q (B, N, D), k (B, M, D), v (B, M, E), mask (N, M) of bool -> (B, N, E). p: share of the weights dropped out."""
    # BEGIN SOLUTION stub: out = None
    scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    weights = torch.nn.functional.dropout(torch.softmax(scores, dim=-1), p)
    out = weights @ v
    # END SOLUTION
    return out


def causal_mask(n):
    """(n, n) of bool: whether the row's position may see the column's."""
    # BEGIN SOLUTION stub: mask = None
    mask = torch.ones(n, n, dtype=torch.bool).tril()
    # END SOLUTION
    return mask


def attention_in_chunks(q, k, v, *, chunk):
    """The same as attention, `chunk` queries at a time."""
    # BEGIN SOLUTION stub: out = None
    out = torch.cat([attention(part, k, v) for part in q.split(chunk, dim=1)], dim=1)
    # END SOLUTION
    return out
