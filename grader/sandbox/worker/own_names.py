"""Puts the right arrays of a new object where a student's own constructor put its arrays, under the student's names.

Students choose these names, and what is graded on right parts may use them: `net.fc1.w`, `net.parameters()["w0"]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

MOST_DEPTH = 4  # of an array in an object: attributes of attributes, entries of lists and dicts


def under_own_names(
    itself: Any, right: Mapping[str, Any], begin: Callable[[], Any], tell: Callable[[], Any]
) -> dict[Any, Any]:
    """The values of `right` by the student's names for them; what the student does not name keeps its name.

    `begin` is the student's constructor of the object `itself`, and `tell` gives its dict of name -> array. Both may be
    wrong. An array is known by its name, else by its place and shape, its shape, its size or its number of axes.
    """
    shared = {name: value for name, value in vars(type(itself)).items() if isinstance(value, dict | list)}
    vars(itself).update({name: value.copy() for name, value in shared.items()})  # one for each object
    answered(begin)
    told = answered(tell)
    held: dict[int, Any] = {}
    replace_arrays(vars(itself), lambda array: held.setdefault(id(array), array))
    told = told if type(told) is dict else {}
    named = {name: one for name, one in told.items() if isinstance(one, np.ndarray)}
    kept = {name: one for name, one in named.items() if name in right and np.ndim(right[name]) == one.ndim}
    sure = {id(one): name for name, one in kept.items() if id(one) in held}
    unsure = {at: one for at, one in held.items() if at not in sure}
    numbers = told.keys() - named.keys()  # in the places of arrays
    free = {name: value for name, value in right.items() if name not in numbers and name not in sure.values()}
    places = sure | dict(zip(unsure, paired(unsure.values(), free), strict=True))
    replace_arrays(vars(itself), lambda array: right.get(places[id(array)] or "", array))
    names = {places[id(one)]: name for name, one in named.items() if places.get(id(one))}
    others = {name: one for name, one in named.items() if name not in names.values()}  # such as copies
    rest = {name: value for name, value in right.items() if name not in names}
    names |= dict(zip(paired(others.values(), rest), others, strict=True))
    missing = [name for name in told if name not in named]  # such as a number in the place of an array
    names |= dict(zip((name for name in right if name not in names), missing, strict=False))
    return {names.get(name, name): value for name, value in right.items()}


def answered(call: Callable[[], Any]) -> Any:
    """What a student's code gives; None where it raises."""
    try:
        return call()
    except BaseException:  # whatever it is; the grader was told when it asked the same without right parts
        return None


def paired(own: Iterable[Any], right: Mapping[str, Any]) -> list[str | None]:
    """For each of the student's arrays the name of the right one in whose place it is, each taken once, in order."""
    arrays, free = list(own), {name: value for name, value in right.items() if isinstance(value, np.ndarray)}
    found: list[str | None] = [None] * len(arrays)
    places, own_places = dict(zip(free, order(free.values()), strict=True)), order(arrays)
    traits: tuple[Callable[[int, str], bool], ...] = (
        lambda at, name: places[name] == own_places[at] and free[name].shape == arrays[at].shape,
        lambda at, name: free[name].shape == arrays[at].shape,
        lambda at, name: free[name].size == arrays[at].size,
        lambda at, name: free[name].ndim == arrays[at].ndim,
    )
    for alike in traits:
        for at, name in enumerate(found):
            if name is None:
                found[at] = next((one for one in free if alike(at, one)), None)
                free.pop(found[at] or "", None)
    return found


def order(arrays: Iterable[Any]) -> list[tuple[int, int]]:
    """Of each array its number of axes, and how many before it have as many."""
    seen = Counter[int]()
    places = []
    for array in arrays:
        places.append((array.ndim, seen[array.ndim]))
        seen[array.ndim] += 1
    return places


def replace_arrays(value: Any, change: Callable[[Any], Any], depth: int = MOST_DEPTH) -> Any:
    """`value` with each array in it as `change` gives it. Dicts, lists and objects are changed in place."""
    if isinstance(value, np.ndarray):
        return change(value)
    if depth < 0 or isinstance(value, type | FunctionType | ModuleType):
        return value
    if type(value) is dict:
        for key, part in value.items():
            value[key] = replace_arrays(part, change, depth - 1)
    elif type(value) is list:
        value[:] = [replace_arrays(part, change, depth - 1) for part in value]
    elif isinstance(value, tuple):
        parts = [replace_arrays(part, change, depth - 1) for part in value]
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    elif hasattr(value, "__dict__"):
        replace_arrays(vars(value), change, depth)
    return value
