"""Asks whether a gradient is computed, or estimated by finite differences of the forward pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grader.check import Subject

SECONDS = 2.0  # a backward pass of a dozen entries


def ask_differences(hw: Subject, layer: str, args: Sequence[np.ndarray], grad_out: np.ndarray) -> None:
    """A question if `layer`_backward calls `layer`_forward at least once for each entry of x. A backward pass that
    repeats its forward pass once, or row by row, is not asked about."""
    forward, backward = f"{layer}_forward", f"{layer}_backward"
    order = {"module": "layers", "forward": forward, "backward": backward, "inputs": len(args)}
    arrays = {f"x{at}": value for at, value in enumerate(args)} | {"grad_out": grad_out}
    run = hw.session.drive("recount", order, arrays, subject=backward, seconds=SECONDS)
    calls = run.tell("count", seconds=SECONDS)
    if type(calls) is int and calls >= args[0].size:
        hw.advise(f"{backward} calls {forward} {calls} times; derive the gradient by the chain rule instead")
        hw.review(f"{backward} calls {forward} {calls} times for x of {args[0].size} entries; finite differences?")
