import math

import torch
import torch.nn.functional as F


def attention(q, k, v, mask=None, p=0):
    s = torch.einsum("bnd,bmd->bnm", q, k) * (1.0 / math.sqrt(k.size(2)))
    if mask is not None:
        s = torch.where(mask.unsqueeze(0), s, torch.full_like(s, -1e9))
    a = F.softmax(s, 2)
    if p:
        a = a * (torch.rand(a.shape) >= p) / (1 - p)
    return torch.einsum("bnm,bme->bne", a, v)


def causal_mask(n):
    i = torch.arange(n)
    return i[None, :] <= i[:, None]


@torch.no_grad()
def attention_in_chunks(q, k, v, chunk):
    out = torch.empty(q.size(0), q.size(1), v.size(2))
    for start in range(0, q.size(1), chunk):
        out[:, start : start + chunk] = attention(q[:, start : start + chunk], k, v)
    return out
