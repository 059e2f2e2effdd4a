"""Attention in torch: tensors by value, keyword arguments, and a bar for memory."""

from typing import Any

import numpy as np

from grader.check import Subject, check
from grader.errors import Mismatch
from grader.measure.expect import expect_close, expect_smaller


def tensors(rng: np.random.Generator, *shapes: tuple[int, ...]) -> list[Any]:
    return [torch_of(rng.normal(size=shape).astype(np.float32)) for shape in shapes]


def torch_of(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)


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


@check("1.3", "attention.attention")
def dropout(hw: Subject, rng: np.random.Generator) -> None:
    """With p, each weight is 0 with this probability, and what is left is divided by 1 - p."""
    n, m, p = 60, 50, float(rng.choice([0.25, 0.75]))
    q, k, v = np.zeros((1, n, 4), np.float32), np.zeros((1, m, 4), np.float32), np.eye(m, dtype=np.float32)[None]
    weights = np.asarray(hw.attention.attention(*map(torch_of, (q, k, v)), p=p))
    expect_close(
        hw, "the weights that are left", weights[weights != 0], np.full(np.count_nonzero(weights), 1 / m / (1 - p))
    )
    share = float(np.mean(weights == 0))
    if abs(share - p) > 0.05:  # 6 standard deviations of 3000 weights
        raise Mismatch(f"with p = {p}, {share:.0%} of the weights are dropped")


@check("1.4", "attention.attention_in_chunks")
def chunked(hw: Subject, rng: np.random.Generator) -> None:
    """attention_in_chunks gives what attention gives, also where the last chunk is smaller."""
    q, k, v = tensors(rng, (1, 10, 4), (1, 7, 4), (1, 7, 3))
    for chunk in (1, 4, 16):
        out = hw.attention.attention_in_chunks(q, k, v, chunk=chunk)
        expect_close(hw, f"out in chunks of {chunk}", out, hw.reference.attention.attention(q, k, v))


@check("1.4", "attention.attention_in_chunks")
def memory(hw: Subject, rng: np.random.Generator) -> None:
    """With small chunks, if the values are right, memory does not grow with the square of the length."""
    chunked(hw, rng)
    q, k, v = (hw.put(value) for value in tensors(rng, *[(1, 4096, 8)] * 3))
    call = lambda: hw.attention.attention_in_chunks(q, k, v, chunk=128)  # noqa: E731
    expect_smaller(hw, "attention_in_chunks of 4096 positions", call, most=int(hw.settings["mebibytes"]) << 20)
