"""Attention in torch: tensors by value, keyword arguments, and a bar for memory."""

from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure.expect import expect_close, expect_smaller


def tensors(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[Any]:
    import torch

    return [torch.from_numpy(rng.normal(size=shape).astype(np.float32)) for shape in shapes]


@check("1.1", "attention.attention")
def plain(hw: Subject, rng: np.random.Generator) -> None:
    """attention(q, k, v) is softmax(q k^T / sqrt(d)) v."""
    for n, m, d, e in ((3, 5, 4, 6), (7, 2, 9, 3)):
        q, k, v = tensors(rng, (2, n, d), (2, m, d), (2, m, e))
        out = hw.attention.attention(q, k, v)
        expect_close(hw, f"out of q {tuple(q.shape)}", out, hw.reference.attention.attention(q, k, v))
    q, k, v = tensors(rng, (1, 2, 4), (1, 3, 4), (1, 3, 4))
    out = hw.attention.attention(300 * q, 300 * k, v)
    expect_close(hw, "out of large scores", out, hw.reference.attention.attention(300 * q, 300 * k, v))


@check("1.1", "attention.attention")
def masked(hw: Subject, rng: np.random.Generator) -> None:
    """Where mask is False, a key counts for nothing."""
    q, k, v = tensors(rng, (2, 4, 3), (2, 5, 3), (2, 5, 2))
    mask = tensors(rng, (4, 5))[0] > -0.5
    mask[:, 0] = True
    out = hw.attention.attention(q, k, v, mask=mask)
    expect_close(hw, "out with a mask", out, hw.reference.attention.attention(q, k, v, mask=mask))


@check("1.2", "attention.causal_mask")
def causal(hw: Subject, rng: np.random.Generator) -> None:
    """causal_mask(n) lets each position see itself and all before it, as a tensor of bool."""
    mask = hw.attention.causal_mask(6)
    if str(getattr(mask, "dtype", "")) not in ("torch.bool", "bool"):
        raise Mismatch(f"causal_mask should give a tensor of bool, but its dtype is {getattr(mask, 'dtype', None)}")
    expect_close(hw, "causal_mask(6)", np.asarray(mask, dtype=float), np.tril(np.ones((6, 6))))


@check("1.3", "attention.attention_in_chunks")
def chunked(hw: Subject, rng: np.random.Generator) -> None:
    """attention_in_chunks gives what attention gives, also where the last chunk is smaller."""
    q, k, v = tensors(rng, (1, 10, 4), (1, 7, 4), (1, 7, 3))
    for chunk in (1, 4, 16):
        out = hw.attention.attention_in_chunks(q, k, v, chunk=chunk)
        expect_close(hw, f"out in chunks of {chunk}", out, hw.reference.attention.attention(q, k, v))


@check("1.3", "attention.attention_in_chunks")
def memory(hw: Subject, rng: np.random.Generator) -> None:
    """With small chunks, if the values are right, memory does not grow with the square of the length."""
    chunked(hw, rng)
    q, k, v = (hw.put(value) for value in tensors(rng, *[(1, 4096, 8)] * 3))
    call = lambda: hw.attention.attention_in_chunks(q, k, v, chunk=128)  # noqa: E731
    expect_smaller(hw, "attention_in_chunks of 4096 positions", call, most=int(hw.settings["mebibytes"]) << 20)
