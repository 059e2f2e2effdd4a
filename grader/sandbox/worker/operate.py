"""What a check can do with a student's object apart from calling it: attributes, operators, indexing, iteration.

OPERATORS maps names to functions of the object and further arguments. Names that begin with `r` take their two operands
in reverse: `2 - x` is `rsub(x, 2)`.
"""

from __future__ import annotations

import builtins
import inspect
import math
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
BUILT_IN = ("len bool float int complex bytes str repr hash format round iter next reversed divmod dir").split()
FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, types.MethodWrapperType, type, partial)
ABSENT = object()
DEEPEST = 16  # levels of lists, tuples and dicts that are copied, to see what a call changed
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
        where = f"{owner.__name__}.py" if isinstance(owner, types.ModuleType) else type(owner).__name__[:80]
        raise AbsentError(f"{where} defines no {name}") from None


def outlives(owner: Any) -> bool:
    """Whether an object is there for later checks, too."""
    return isinstance(owner, types.ModuleType | type)


def restore(owner: Any, name: str, before: Any) -> None:
    """Undo that a module or class was given another attribute. No method of the student's is used."""
    if isinstance(owner, type):
        if before is not ABSENT:
            type.__setattr__(owner, name, before)
        elif name in vars(owner):
            type.__delattr__(owner, name)
    elif before is not ABSENT:
        vars(owner)[name] = before
    else:
        vars(owner).pop(name, None)


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


def enter(manager: Any) -> Any:
    return special(manager, "__enter__")(manager)


def leave(manager: Any, error: Sequence[str]) -> bool:
    """Leave a `with` block, after an exception of Python's with this name and text if one is told; whether it counts
    as handled. One of another name is an Exception here."""
    found = special(manager, "__exit__")
    if not error:
        return bool(found(manager, None, None, None))
    try:
        raise pythons(*error)
    except Exception as raised:
        return bool(found(manager, type(raised), raised, raised.__traceback__))


def pythons(name: str, text: str) -> Exception:
    """The exception of Python's with this name; an Exception for any other."""
    kind = getattr(builtins, name, None)
    try:
        return (kind if isinstance(kind, type) and issubclass(kind, Exception) else Exception)(text)
    except TypeError:  # as a UnicodeDecodeError, which is made of more
        return Exception(text)


def special(owner: Any, name: str) -> Any:
    """A method that Python looks up in the class. Raises AbsentError."""
    found = getattr(type(owner), name, None)
    if found is None:
        raise AbsentError(f"{type(owner).__name__[:80]} defines no {name}")
    return found


def signature(function: Callable[..., Any]) -> list[tuple[str, int, list[Any], str]]:
    """Of each parameter: its name, its kind, a list of its default or of nothing, and its annotation or ""."""
    return [
        (
            one.name,
            int(one.kind),
            [] if one.default is one.empty else [one.default],
            "" if one.annotation is one.empty else text_of(one.annotation),
        )
        for one in inspect.signature(function).parameters.values()
    ]


def text_of(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def reversed_(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda mine, other: function(other, mine)


OPERATORS: dict[str, Callable[..., Any]] = {
    **{name: getattr(operator, name) for name in (*BINARY, *IN_PLACE, *COMPARED, *UNARY)},
    **{f"r{name}": reversed_(getattr(operator, name)) for name in BINARY},
    **{name: getattr(builtins, name) for name in BUILT_IN},
    **{name: getattr(math, name) for name in ("trunc", "floor", "ceil")},
    "index": operator.index,
    "signature": signature,
    "rdivmod": reversed_(divmod),
    "enter": enter,
    "leave": leave,
    "isinstance": lambda kind, value: isinstance(value, kind),
    "issubclass": lambda kind, other: issubclass(other, kind),
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
    """A copy to compare with later. Arrays, tensors, lists, dicts and sets are copied; any other object is not, and
    nothing that lies deeper than DEEPEST."""
    if type(value) is np.ndarray:
        return np.array(value)
    if is_tensor(value):
        return value.detach().clone()
    if type(value) is set:
        return set(value)
    if depth < DEEPEST and type(value) in (list, tuple):
        return type(value)(snapshot(part, depth + 1) for part in value)
    if depth < DEEPEST and type(value) is dict:
        return {name: snapshot(part, depth + 1) for name, part in value.items()}
    return value


def numbers(value: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """A copy of an array in the form in which it is sent: wider types are narrowed to those of wire.py, and an array of
    dtype object that holds numbers becomes one of floats. None for an array of anything else, and for one of which a
    part is masked."""
    if type(value) is not np.ndarray and np.ma.is_masked(value):  # numpy.ma takes 13 ms to import
        return None
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
    """Whether a dict's key or a set's element can be sent: a text, bytes, a number, None, or a tuple or frozenset of
    these. Enum members and numpy's numbers count."""
    if isinstance(value, tuple | frozenset):
        return all(map(is_key, value))
    return value is None or isinstance(value, str | bytes | complex | float | int | np.number | np.bool_)


def plain_key(value: Any) -> Any:
    """A key in exact built-in types. Methods of the key's own class are not used."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | frozenset):
        parts = map(plain_key, value)
        return tuple(parts) if isinstance(value, tuple) else frozenset(parts)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__index__(value)
    return float.__float__(value) if isinstance(value, float) else value


def changes(value: Any, depth: int = 0) -> bool:
    """Whether a call can change an argument of this kind in place."""
    if type(value) is np.ndarray and value.dtype.kind not in "biufc":
        return False
    if type(value) is tuple:
        return depth < DEEPEST and any(changes(part, depth + 1) for part in value)
    return type(value) in (np.ndarray, list, dict, set) or is_tensor(value)


def same(value: Any, before: Any) -> bool:
    """Whether a value still equals its snapshot. No method of the student's is used for this."""
    if value is before:  # also where the snapshot ends: what is deeper may hold itself
        return True
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
    if type(value) is set:
        return len(value) == len(before) and value <= before
    if type(value) is dict:
        return value.keys() == before.keys() and all(same(value[name], before[name]) for name in before)
    return type(value) in (int, float, complex, str, bytes) and repr(value) == repr(before)


def is_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor. Does not import torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def left_as(value: Any, now: Any) -> Any:
    """`value`, changed in place until it equals `now`, with all that lies in it; `now` where that cannot be."""
    if isinstance(value, np.ndarray) and isinstance(now, np.ndarray):
        if value.shape != now.shape or value.dtype.kind != now.dtype.kind:
            return now
        value[...] = now
    elif isinstance(value, dict) and isinstance(now, dict):
        parts = {key: left_as(value[key], part) if key in value else part for key, part in now.items()}
        value.clear()
        value.update(parts)
    elif isinstance(value, list) and isinstance(now, list):
        value[:] = [*map(left_as, value, now), *now[len(value) :]]
    elif isinstance(value, set) and isinstance(now, set):
        value.clear()
        value.update(now)
    elif isinstance(value, tuple) and isinstance(now, tuple) and len(value) == len(now):
        return tuple(map(left_as, value, now))
    else:
        return now
    return value


def arguments(positional: Sequence[Any], named: Mapping[str, Any]) -> dict[int | str, Any]:
    """A call's arguments by position or name."""
    given: dict[int | str, Any] = dict(enumerate(positional))
    given.update(named)
    return given
