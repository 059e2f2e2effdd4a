"""What a proxy of remote.py asks through: a Session, as far as a proxy needs it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from grader.sandbox.worker.wire import Handle

Owner = str | Handle  # a module by its name, or an object


class Asking(Protocol):
    """Sends requests to a student's process: a Session."""

    def ask(
        self,
        op: str,
        owner: str | Handle | Sequence[str | Handle],
        path: Sequence[str],
        batches: Sequence[Sequence[Any]],
        *,
        named: Mapping[str, Any] | None = None,
        subject: str = "",
        run_cpu: float = 0.0,
        silent: float = math.inf,
        most_bytes: int | None = None,
        watch: Sequence[Sequence[Any]] = (),
        then: Sequence[Then] = (),
    ) -> list[Any]:
        """Carry out one call per element of `batches` in one round trip, each with the keyword arguments `named`, of
        one owner or each of its own. The answers may have `most_bytes`. `watch` is what `watched` needs. With `then`,
        which has an element for each call, the answer of the method that follows comes after each call's. `run_cpu` and
        `silent` are CPU seconds of a driver's run."""

    @property
    def answers(self) -> Sequence[Any]:
        """The answers of the last request; where a call failed, those before it."""

    def used(self) -> float:
        """CPU seconds of the process so far."""

    def waited(self) -> float:
        """Seconds in which the process was asked something and did not compute."""

    def delayed(self) -> float:
        """Seconds in which the process wanted to compute and a busy machine did not let it."""

    def answered(self) -> float:
        """Seconds in which the grader answered the process, for a part of the student's that is wrong."""

    def is_function(self, owner: str, name: str) -> bool:
        """Whether the reference's module or class `owner` has a function of that name."""


class Then(NamedTuple):
    """A method without arguments that is called after a call: of the object `of`, or of what the call returned. Arrays
    in `writing` are first written into the live ones that it returns."""

    of: Handle | None
    method: str
    writing: Mapping[Any, Any] | None = None


def kind_of(owner: Owner, path: Sequence[str]) -> str:
    """The name of what is at `path`, for messages: of an attribute, an object's class, or a module."""
    return path[-1] if path else owner.kind if isinstance(owner, Handle) else owner
