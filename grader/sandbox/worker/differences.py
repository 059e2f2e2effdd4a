"""Detects a call that estimates a derivative by finite differences. During it, one of the student's functions is given

- the same numbers again and again, each time with another one moved,
- the same numbers three times or more, each time with several moved a little and otherwise, or
- many copies of them at once, in each of which one is moved.

A function that is called once more, once for each row or once for each entry does not look like that.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from sys import getprofile, setprofile
from types import CodeType, FrameType, ModuleType
from typing import Any

from numpy import argwhere, errstate, float64, maximum, ndarray  # as they are before a student's file can replace them

LARGEST = 4096  # entries of an array that is compared
DEPTH = 3  # lists, dicts and objects within each other that are looked into
MOST = 64  # arrays that are looked at for each call of a function
CALLS = 20_000  # of functions that are looked at
SMALL = 1e-2  # a step of several entries at once, or of a number that is no entry of an array
DIRECTIONS = 3  # times that several entries were moved a little, each time other ones or otherwise
ROW = 3  # numbers in a row that is told from others
COMPARED = 1 << 18  # numbers of rows that are compared with each other
STEPS = 2  # values close to such a number: one may be there by chance


class Watch:
    """A block in which the calls of functions in files below `folder` are looked at. `inputs` are the arrays and the
    floats that may be moved."""

    def __init__(self, folder: str, inputs: Sequence[Any]) -> None:
        self.folder = folder + os.sep
        self.arrays = [one for one in inputs if isinstance(one, ndarray)]
        self.floats = [one for one in inputs if isinstance(one, float)]
        self.near: dict[CodeType, list[set[complex]]] = {}
        self.moved: dict[tuple[CodeType, int], set[int]] = {}
        self.directions: dict[tuple[CodeType, int], dict[bytes, list[int]]] = {}  # and which entries each of them moves
        self.calls = 0

    def __enter__(self) -> Watch:
        self.before = getprofile()
        setprofile(self.look)
        return self

    def __exit__(self, *exception: object) -> None:
        setprofile(self.before)

    def look(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(self.folder):
            return
        self.calls += 1
        if self.calls > CALLS:
            setprofile(self.before)
            return
        try:
            self.compare(frame)
        except Exception:  # whatever a student did to numpy or to numbers, to look fails no call
            setprofile(self.before)

    def compare(self, frame: FrameType) -> None:
        """Note which inputs are given to a function, moved."""
        numbers = [value for value in frame.f_locals.values() if type(value) in (float, complex, float64)]
        near = self.near.setdefault(frame.f_code, [set() for _ in self.floats])
        for one, values in zip(self.floats, near, strict=True):
            values.update(step for value in numbers for step in steps(value, one))
        with errstate(all="ignore"):
            for value in arrays_in(frame.f_locals.values()):
                for at, known in enumerate(self.arrays):
                    self.compare_arrays(value, known, (frame.f_code, at))

    def compare_arrays(self, value: Any, known: Any, key: tuple[CodeType, int]) -> None:
        """Note which entries of a `known` array are moved in a value, which may hold several copies of it."""
        if value.size == known.size:
            step = value.reshape(-1) - known.astype(value.dtype if value.dtype.kind in "fc" else known.dtype).reshape(
                -1
            )
            entries = step.nonzero()[0].tolist()
            if len(entries) == 1 or alike(step):
                self.moved.setdefault(key, set()).update(entries)
            elif entries and (abs(step) <= SMALL * maximum(1.0, abs(known.reshape(-1)))).all():
                self.directions.setdefault(key, {})[(step / abs(step).max()).round(2).tobytes()] = entries
        elif value.size > known.size and value.ndim > 1 and value.shape[-1] == known.shape[-1] >= ROW:
            rows = value.reshape(-1, value.shape[-1]), known.reshape(-1, known.shape[-1])
            self.moved.setdefault(key, set()).update(moved_in_rows(*rows))

    def found(self) -> list[list[Any]]:
        """[function, entries moved, all entries] for each function and array of which an entry moved, and the same for
        all floats together."""
        for key, directions in self.directions.items():
            if len(directions) >= DIRECTIONS:
                self.moved.setdefault(key, set()).update(chain.from_iterable(directions.values()))
        counts = [(code, len(entries), int(self.arrays[at].size)) for (code, at), entries in self.moved.items()]
        counts += [(code, sum(len(one) >= STEPS for one in near), len(near)) for code, near in self.near.items()]
        return [[code.co_name[:80], found, size] for code, found, size in counts if found]


def steps(value: complex, known: float) -> tuple[complex, ...]:
    """The value, if it is `known` after a small step. One into the complex plane needs no second one."""
    if not 0 < abs(value - known) <= SMALL * max(1.0, abs(known)):
        return ()
    return (value, value.conjugate()) if isinstance(value, complex) else (value,)


def alike(step: Any) -> bool:
    """Whether all entries were moved by the same small step."""
    return bool(step.all() and abs(step).max() <= SMALL and abs(step - step[0]).max() <= SMALL * abs(step[0]))


def moved_in_rows(rows: Any, known: Any) -> list[int]:
    """The entries of the `known` rows that differ in one of `rows` from the known row that it is otherwise equal to."""
    if rows.size * len(known) > COMPARED:
        return []
    differs = rows[:, None, :] != known[None]
    return [int(row * known.shape[1] + differs[at, row].argmax()) for at, row in argwhere(differs.sum(axis=-1) == 1)]


def arrays_in(values: Iterable[Any]) -> Iterator[Any]:
    """The arrays of numbers in lists, dicts and objects; each once."""
    left, seen, found = [(value, 0) for value in values], set(), 0
    while left and found < MOST:
        value, depth = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if type(value) is ndarray:
            if 2 < value.size <= LARGEST and value.dtype.kind in "fc":
                found += 1
                yield value
        elif depth < DEPTH:
            left += [(part, depth + 1) for part in parts_of(value)]


def parts_of(value: Any) -> list[Any]:
    """What a list, a dict or an object with attributes holds, without calling any of its methods."""
    if type(value) in (list, tuple):
        return list(value[:MOST])
    if type(value) is ModuleType:
        return []
    try:
        held = value if type(value) is dict else object.__getattribute__(value, "__dict__")
    except AttributeError:
        return []
    return list(islice(held.values(), MOST)) if type(held) is dict else []
