"""What a check can do with a student's object apart from calling it: attributes, operators, indexing, iteration.

OPERATORS maps names to functions of the object and further arguments. Names that begin with `r` take their two operands
in reverse: `2 - x` is `rsub(x, 2)`.
"""

from __future__ import annotations

import operator
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

BINARY = ("add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift rshift").split()
IN_PLACE = ("iadd isub imul itruediv ifloordiv imod ipow imatmul iand ior ixor ilshift irshift").split()
COMPARED = ("eq ne lt le gt ge").split()
UNARY = ("neg pos invert abs").split()
FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType, type, partial)
MOST = 1000  # elements to take from an iterator at a time


class AbsentError(Exception):
    """A function, class, method or attribute that the student's code does not define."""


def is_function(value: Any) -> bool:
    """Whether a value is only good for calling: a function, method or class. An object with `__call__` is not."""
    return isinstance(value, FUNCTIONS)


def attribute(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        if name in dir(type(owner)):  # a property of the student's raised it
            raise
        raise AbsentError(f"{type(owner).__name__[:80]} defines no {name}") from None


def key(spelled: Mapping[str, Any]) -> Any:
    """An index as it was sent -> as Python has it: a slice, an ellipsis, a tuple of them, or a plain value."""
    if "slice" in spelled:
        return slice(*spelled["slice"])
    if "tuple" in spelled:
        return tuple(map(key, spelled["tuple"]))
    return ... if "ellipsis" in spelled else spelled["value"]


def take(iterator: Any) -> tuple[list[Any], bool]:
    """Up to MOST further elements, and whether there may be more."""
    found = []
    for element in iterator:
        found.append(element)
        if len(found) == MOST:
            return found, True
    return found, False


def reversed_(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda mine, other: function(other, mine)


OPERATORS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in (*BINARY, *IN_PLACE, *COMPARED, *UNARY)},
    **{f"r{name}": reversed_(getattr(operator, name)) for name in BINARY},
    **{
        function.__name__: function for function in (len, bool, float, int, complex, str, repr, hash, round, iter, next)
    },
    "getattr": attribute,
    "setattr": setattr,
    "delattr": delattr,
    "getitem": lambda mine, at: mine[key(at)],
    "setitem": lambda mine, at, value: operator.setitem(mine, key(at), value),
    "delitem": lambda mine, at: operator.delitem(mine, key(at)),
    "contains": lambda mine, value: value in mine,
    "take": take,
    "itself": lambda mine: mine,
}


def snapshot(value: Any, depth: int = 0) -> Any:
    """A copy to compare with later. Arrays, tensors, lists and dicts are copied; any other object stays itself."""
    if type(value) is np.ndarray:
        return np.array(value)
    if is_tensor(value):
        return value.detach().clone()
    if depth < 16 and type(value) in (list, tuple):
        return type(value)(snapshot(part, depth + 1) for part in value)
    if depth < 16 and type(value) is dict:
        return {name: snapshot(part, depth + 1) for name, part in value.items()}
    return value


def numbers(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """A copy of an array in the form in which it is sent: wider types are narrowed to those of wire.py, and an array of
    dtype object that holds numbers becomes one of floats. None for an array of anything else."""
    kind = value.dtype.kind
    if kind == "O" and value.size and all(is_real(part) for part in value.flat):
        return np.array(value.tolist(), dtype=np.float64).reshape(value.shape)
    if kind not in "biufc":
        return None
    widest = {"f": np.float64, "c": np.complex128}.get(kind)
    dtype = widest if widest is not None and value.dtype.itemsize > np.dtype(widest).itemsize else value.dtype
    return np.array(value, dtype=dtype, copy=True, subok=False)


def is_real(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def is_key(value: Any) -> bool:
    """Whether a dict's key can be sent: a text, a whole number, or a tuple of these. Enum members and numpy integers
    count."""
    if type(value) is tuple:
        return bool(value) and all(type(part) is not tuple and is_key(part) for part in value)
    return isinstance(value, str | int | np.integer) and not isinstance(value, bool)


def plain_key(value: Any) -> str | int:
    """The plain text or number of a key; a tuple is sent as Python writes it. Methods of the key's own class are not
    used."""
    if type(value) is tuple:
        return repr(tuple(map(plain_key, value)))
    return (
        str.__str__(value) if isinstance(value, str) else int.__index__(value) if isinstance(value, int) else int(value)
    )


def key_of(live: Any, name: str | int) -> Any:
    """The student's own key for one that was sent."""
    if type(name) is str and name.startswith("(") and isinstance(live, dict) and name not in live:
        return next((key for key in live if type(key) is tuple and is_key(key) and plain_key(key) == name), name)
    return name


def changes(value: Any) -> bool:
    """Whether a call can change an argument of this kind in place."""
    if type(value) is np.ndarray and value.dtype.kind not in "biufc":
        return False
    if type(value) is tuple:
        return any(map(changes, value))
    return type(value) in (np.ndarray, list, dict) or is_tensor(value)


def same(value: Any, before: Any, depth: int = 0) -> bool:
    """Whether a value still equals its snapshot. No method of the student's is used for this."""
    if type(value) is not type(before):
        return False
    if type(value) is np.ndarray:
        if value.dtype.kind not in "biufc":
            return True  # as in `changes`: arrays of a student's objects are not looked into
        if value.shape != before.shape or value.dtype != before.dtype:
            return False
        alike = value == before
        return bool(alike.all()) or bool((alike | ((value != value) & (before != before))).all())  # NaN stays NaN
    if is_tensor(value):
        return same(value.detach().numpy(), before.numpy()) if value.device.type == "cpu" else False
    if type(value) in (list, tuple):
        return len(value) == len(before) and all(map(same, value, before))
    if type(value) is dict:
        return value.keys() == before.keys() and all(same(value[name], before[name]) for name in before)
    return value is before or (type(value) in (int, float, complex, str, bytes) and repr(value) == repr(before))


def is_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor. Does not import torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def arguments(positional: Sequence[Any], named: Mapping[str, Any]) -> dict[int | str, Any]:
    """A call's arguments by position or name."""
    given: dict[int | str, Any] = dict(enumerate(positional))
    given.update(named)
    return given
