import torch
from torch import nn


def attention(q, k, v, *, mask=None, p=0.0):
    """One element of the batch after the other, the softmax by hand."""
    drop = nn.Dropout(p)
    results = []
    for queries, keys, values in zip(q, k, v):
        scores = torch.matmul(queries, keys.t()).div(torch.sqrt(torch.tensor(float(queries.size(-1)))))
        if mask is not None:
            scores[mask.logical_not()] = -torch.inf
        scores = scores - scores.max(dim=1, keepdim=True).values
        weights = scores.exp()
        weights = weights / weights.sum(dim=1, keepdim=True)
        results.append(drop(weights).matmul(values))
    return torch.stack(results)


def causal_mask(n):
    return torch.triu(torch.ones(n, n), diagonal=1) == 0


def attention_in_chunks(q, k, v, *, chunk):
    out = []
    for i in range(0, q.shape[1], chunk):
        part = attention(q[:, i : i + chunk], k, v)
        out.append(part)
    return torch.cat(out, 1)
