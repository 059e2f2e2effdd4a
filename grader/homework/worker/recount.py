"""Counts how often a student's backward pass calls the student's own forward pass, in the student's process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


class Recount:
    """One pair of functions of a module. A copy of the forward pass under another name is not seen."""

    def __init__(self, module: Any, order: Mapping[str, Any]) -> None:
        self.module, self.order = module, order

    def count(self) -> int:
        """The calls of the forward pass during one backward pass."""
        name, calls = self.order["forward"], 0
        forward = getattr(self.module, name)
        args = [np.load(self.order["files"][f"x{at}"]) for at in range(self.order["inputs"])]
        cache = forward(*args)[1]

        def counted(*given: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            return forward(*given, **named)

        setattr(self.module, name, counted)
        try:
            getattr(self.module, self.order["backward"])(np.load(self.order["files"]["grad_out"]), cache)
        finally:
            setattr(self.module, name, forward)
        return calls


def begin(student: Any, order: Mapping[str, Any]) -> Recount:
    return Recount(student.module(order["module"]), order)
