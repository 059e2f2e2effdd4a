"""What a check holds in its hands: a student's modules, functions, objects and runs, each a name for something
that lives in the student's process.

Calls raise StudentError with the verdict that fits how they ended; what they return is exact data (see worker/wire.py)
and Remote objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from grader.sandbox.worker.wire import Handle

MOST_ARITY = 255  # more is told by no function that a student writes
MALFORMED = (TypeError, AttributeError, ValueError, LookupError, ArithmeticError)  # what reading any reply may raise


class Asking(Protocol):
    """What carries questions to a student's process: a Session."""

    def ask(
        self,
        op: str,
        owner: str | Handle,
        path: Sequence[str],
        batches: Sequence[Sequence[Any]],
        *,
        subject: str = "",
        more: float = 0.0,
    ) -> list[Any]:
        """Carry out one call per element of `batches` in one round trip."""

    def used(self) -> float:
        """CPU seconds of the process so far."""


class Remote:
    """An object that lives in the student's process: methods are called, and it can be an argument of other calls."""

    def __init__(self, session: Asking, handle: Handle) -> None:
        self._session = session
        self._handle = handle

    def __repr__(self) -> str:
        return f"<a {self._handle.kind} in the student's process>"

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._session, self._handle, (name,))

    def write(self, arrays: Mapping[str, Any]) -> Any:
        """`parameters()[name][...] = array` for each, in one round trip; what parameters() gives afterwards."""
        return self._session.ask("write", self._handle, ("parameters",), [(dict(arrays),)])[0]


class Driven:
    """A run of one of the homework's drivers in the student's process. `subject` begins a sentence of how it went."""

    def __init__(self, session: Asking, handle: Handle, subject: str) -> None:
        self._session = session
        self._handle = handle
        self._subject = subject
        self._began = session.used()

    def advance(self, seconds: float) -> Any:
        """What the run says after `seconds` more of CPU, or earlier where it pauses by itself."""
        return self.tell("advance", float(seconds), seconds=seconds)

    def tell(self, what: str, *args: Any, seconds: float = 0.0, subject: str = "") -> Any:
        """What else a run can be asked in a pause: a method of what its driver began, with `seconds` more for it."""
        subject = subject or self._subject
        return self._session.ask("call", self._handle, (what,), [args], subject=subject, more=seconds)[0]

    def used(self) -> float:
        """CPU seconds so far, as the system counts them."""
        return max(0.0, self._session.used() - self._began)


class Module:
    """A student's module; its attributes are functions that run there."""

    def __init__(self, session: Asking, name: str) -> None:
        self._session = session
        self._name = name

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._session, self._name, (name,))


class Function:
    """A function, class or method of the student's."""

    def __init__(self, session: Asking, owner: str | Handle, path: tuple[str, ...]) -> None:
        self._session = session
        self._owner = owner
        self._path = path

    def __call__(self, *args: Any) -> Any:
        return self._session.ask("call", self._owner, self._path, [args])[0]

    def map(self, batches: Sequence[Sequence[Any]]) -> list[Any]:
        """One call per element, in one round trip."""
        return self._session.ask("call", self._owner, self._path, batches)

    def arity(self) -> int | None:
        """How many positional arguments it takes; None if there is no such function, or it takes any number."""
        count = self._session.ask("arity", self._owner, self._path, [()])[0]
        return count if type(count) is int and 0 <= count <= MOST_ARITY else None

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self._session, self._owner, (*self._path, name))


AS_IT_IS = frozenset((type(None), bool, int, float, complex, str, bytes, np.ndarray))


def travelling(value: Any) -> Any:
    kind = type(value)
    if kind in AS_IT_IS:
        return value
    if kind is list or kind is tuple:
        return value if AS_IT_IS.issuperset(map(type, value)) else kind(map(travelling, value))
    if kind is dict:
        return {key: travelling(part) for key, part in value.items()}
    if isinstance(value, Remote):
        return value._handle
    return value.item() if isinstance(value, np.generic) else value


def arriving(value: Any, session: Asking) -> Any:
    kind = type(value)
    if kind in AS_IT_IS:
        return value
    if kind is list or kind is tuple:
        as_it_is = AS_IT_IS.issuperset(map(type, value))
        return value if as_it_is else kind(arriving(part, session) for part in value)
    if kind is dict:
        return {key: arriving(part, session) for key, part in value.items()}
    return Remote(session, value) if kind is Handle else value


def as_text(value: Any, most: int) -> str:
    """A text out of a reply, cut; "" for anything else, which could be long to write out."""
    return value[:most] if type(value) is str else ""
