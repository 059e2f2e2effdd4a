"""The arguments of a call in the form in which they are sent."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.errors import UnsendableError, UsageError
from grader.sandbox.check_line import line
from grader.sandbox.remote import Function, Module, Remote
from grader.sandbox.replies import AS_IT_IS, CopiedList
from grader.sandbox.worker.wire import DTYPES, Callback, Tensor, is_key

NUMBERS = frozenset(dtype.newbyteorder("=") for dtype in DTYPES)


def travelling(value: Any, callbacks: dict[int, Callable[..., Any]]) -> Any:
    """An argument in the form in which it is sent: by value. The student's objects are sent as handles; the check's own
    functions stay in `callbacks`. Raises UsageError, with the check's line, for what cannot be sent."""
    kind = type(value)
    if kind in AS_IT_IS:
        return value
    if kind is np.ndarray and value.dtype.newbyteorder("=") in NUMBERS:
        return value
    if kind is CopiedList:
        value, kind = list(value), list
    if kind is list or kind is tuple:
        return value if AS_IT_IS.issuperset(map(type, value)) else kind(travelling(part, callbacks) for part in value)
    if isinstance(value, dict | set | frozenset):
        if not all(map(is_key, value)):
            raise UsageError(
                f"{line()}: a dict's keys and a set's elements can be sent only if they are texts, bytes, numbers, "
                "None, or tuples and frozensets of these"
            )
        if not isinstance(value, dict):
            return (set if isinstance(value, set) else frozenset)(value)
        return {key: travelling(part, callbacks) for key, part in value.items()}
    if isinstance(value, Remote):
        return value._handle
    if isinstance(value, Function):
        held = value._ask("itself")
        return held._handle if isinstance(held, Remote) else held
    if isinstance(value, np.generic) and value.dtype.newbyteorder("=") in NUMBERS:
        return value.item()
    if (tensor := tensor_of(value)) is not None:
        return tensor
    if callable(value) and not isinstance(value, type | Module):
        number = len(callbacks) + 1
        callbacks[number] = value
        return Callback(number, getattr(value, "__name__", kind.__name__)[:80])
    for base in (int, float, str):  # a member of an enum, or a subclass: reduced to its plain value
        if isinstance(value, base):
            return base(value)
    if isinstance(value, np.random.Generator):
        raise UsageError(f"{line()}: a generator cannot be sent to the student's process; send hw.generator(seed)")
    dtype = f" of {value.dtype}" if isinstance(value, np.ndarray) else ""
    raise UnsendableError(
        f"{line()}: a {kind.__name__}{dtype} cannot be sent to the student's process, only plain data and functions; "
        "make it there, by a file of `modules` that is not in `submit`"
    )


def tensor_of(value: Any) -> Tensor | None:
    """A torch tensor in the form in which it is sent; None for anything else. Raises UsageError if numpy lacks its
    dtype."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return None
    try:
        return Tensor.of(value)
    except TypeError:
        raise UsageError(f"{line()}: a tensor of {value.dtype} cannot be sent to the student's process") from None
