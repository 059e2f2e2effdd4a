"""What an optimizer moved of a network's parameters, and what anything else wrote there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import torch as library
from torch.nn.parameter import is_lazy

torch: Any = SimpleNamespace(**vars(library))  # as it is before a student's code may replace functions of it
SLACK = 1e-5  # rounding, relative to a number


class Moved:
    """Follows parameters from where they were first seen: `start`, and `before` and after the optimizer's `last` step.

    `written` is the sum of what was changed between two steps. Who restores an earlier state, as of the best epoch, or
    limits what the optimizer made (see `limits`), writes nothing. So a parameter minus `written` is what the optimizer
    made of its start.
    """

    def __init__(self) -> None:
        self.start: dict[Any, Any] = {}
        self.before: dict[Any, Any] = {}
        self.last: dict[Any, Any] = {}
        self.written: dict[Any, Any] = {}
        self.own: set[int] = set()  # the fingerprints of all states without `written`
        self.mark = 0

    def see(self, parameters: Iterable[Any]) -> None:
        """Follow these parameters, too. One that has got another shape starts anew."""
        for one in parameters:
            known = self.last.get(one)
            if is_lazy(one) or not one.is_floating_point() or (known is not None and known.shape == one.shape):
                continue
            self.start[one], self.before[one], self.last[one] = (one.detach().clone() for _ in range(3))
            self.written.pop(one, None)
            self.mark = 0
        if not self.mark:
            self.take()

    def step(self) -> None:
        """After a step of the optimizer."""
        self.before, self.last = self.last, self.before
        self.take()

    def take(self) -> None:
        """The present state is the optimizer's."""
        for one, value in self.last.items():
            if value.shape == one.shape:
                value.copy_(one.detach())
        self.mark = self.fingerprint()
        if not self.written:
            self.own.add(self.mark)

    def compare(self) -> None:
        """Before a step, and where the run is judged: note what was written since the last step."""
        now = self.fingerprint()
        if now == self.mark:
            return
        if now in self.own:
            self.written.clear()
        else:
            for one, value in self.last.items():
                if value.shape == one.shape and not limits(one.detach(), value, self.before[one]):
                    self.written[one] = self.written.get(one, 0) + (one.detach() - value)
                    self.before[one].copy_(one.detach())
        self.take()

    def fingerprint(self) -> int:
        """A number that differs between two states."""
        followed = [one.detach() for one in self.last]
        return hash(tuple(norm.item() for norm in torch._foreach_norm(followed))) if followed else 0

    def by_steps(self) -> dict[Any, Any]:
        """What the parameters would be if the optimizer alone had changed them."""
        return {one: one.detach() - value for one, value in self.written.items()}

    def distance(self, parameters: Iterable[Any]) -> float:
        """How far the optimizer moved any of these parameters, relative to its size at the start."""
        by_steps, far = self.by_steps(), 0.0
        for one in parameters:
            start = self.start.get(one)
            if start is not None and start.shape == one.shape:
                far = max(far, float((by_steps.get(one, one.detach()) - start).norm() / (start.norm() + 1e-12)))
        return far


def limits(now: Any, last: Any, before: Any) -> bool:
    """Whether each number lies between what the optimizer's `last` step made of it, and either zero or its value
    `before` the step: then weights are clipped, their norms are cut, or a part of the step is taken back."""
    return bool((between(now, last, torch.zeros_like(last)) | between(now, last, before)).all())


def between(now: Any, last: Any, end: Any) -> Any:
    near = SLACK * last.abs()
    return (torch.minimum(last, end) - near <= now) & (now <= torch.maximum(last, end) + near)


@contextmanager
def instead(values: Mapping[Any, Any]) -> Iterator[None]:
    """Inside the block, parameters have other values."""
    kept = [(one, one.data) for one in values]
    try:
        for one, value in values.items():
            if value.shape == one.shape:
                one.data = value
        yield
    finally:
        for one, value in kept:
            one.data = value
