"""Where two values differ that must be equal: texts, numbers, lists, tuples, dicts, sets and arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from grader.measure.diagnose import LONGEST, cut, describe, plain, short

CONTAINERS: tuple[Any, ...] = (dict, set | frozenset, list, tuple, np.ndarray, str, bytes)
SCALARS = frozenset((type(None), bool, int, float, complex, str, bytes))  # compared by Python's ==
FEW = 8  # parts of a tuple that is written out


class Difference(NamedTuple):
    """A place in a value, as "[2]['a']"; what is wrong there, as "is 3"; and what is right, as "4"."""

    place: str
    said: str
    right: str


def differing(yours: Any, expected: Any, place: str = "") -> Iterator[Difference]:
    """The places where two values differ, in order. No method of an object of the student's is used."""
    yours, expected = plain(yours), plain(expected)
    container = next((kind for kind in CONTAINERS if isinstance(expected, kind)), None)
    if container and not isinstance(yours, container):
        yield Difference(place, f"is {described(yours)}, which is of another type", described(expected))
    elif isinstance(expected, dict):
        if lacking := [key for key in expected if key not in yours]:
            yield Difference(place, f"lacks {count(lacking, 'key')}", f"the key {described(lacking[0])}")
        if more := [key for key in yours if key not in expected]:
            said = f"has {count(more, 'key')} too many, such as {described(more[0])}"
            yield Difference(place, said, count(expected, "key"))
        for key in (key for key in expected if key in yours):
            yield from differing(yours[key], expected[key], f"{place}[{key!r}]")
    elif isinstance(expected, set | frozenset):
        if more := sorted(yours - expected, key=repr):
            said = f"has {count(more, 'element')} too many, such as {described(more[0])}"
            yield Difference(place, said, count(expected, "element"))
        if lacking := sorted(expected - yours, key=repr):
            yield Difference(place, f"lacks {count(lacking, 'element')}", described(lacking[0]))
    elif isinstance(expected, np.ndarray):
        yield from entries(yours, expected, place)
    elif isinstance(expected, list | tuple):
        pairs = enumerate(zip(yours, expected, strict=False))
        found = (one for at, (own, right) in pairs for one in differing(own, right, f"{place}[{at}]"))
        if len(yours) != len(expected):
            said, rights, first = f"has {count(yours, 'element')}", f"{len(expected)}", [*islice(found, 1)]
            for one in first:
                said += f"; {one.place[len(place) :]} is the first wrong one: it {one.said}"
                rights += f", and there {one.right}"
            yield Difference(place, said, rights)
            yield from first
        yield from found
    elif type(yours) not in SCALARS and type(expected) not in SCALARS:
        yield Difference(place, f"is {described(yours)}; only a text or number of it can be compared", str(expected))
    elif type(yours) not in SCALARS or yours != expected:
        begun = f", which is wrong from character {alike(yours, expected)} on" if container else ""
        yield Difference(place, f"is {described(yours)}{begun}", described(expected))


def entries(yours: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], place: str) -> Iterator[Difference]:
    if yours.shape != expected.shape:
        yield Difference(place, f"has shape {yours.shape}", f"{expected.shape}")
        return
    for at in np.argwhere(yours != expected):
        where = f"{place}[{', '.join(map(str, at))}]" if at.size else place
        yield Difference(where, f"is {yours[tuple(at)]}", f"{expected[tuple(at)]}")


def described(value: Any) -> str:
    """A value in a few characters."""
    if isinstance(value, str | bytes):
        return cut(repr(value[: 2 * LONGEST]))
    if isinstance(value, tuple) and len(value) <= FEW and SCALARS.issuperset(map(type, value)):
        return cut(f"({', '.join(map(described, value))}{',' * (len(value) == 1)})")
    return short(value) if isinstance(value, int | float | complex) and not isinstance(value, bool) else describe(value)


def count(things: Collection[Any], kind: str) -> str:
    return f"{len(things)} {kind}{'s' * (len(things) != 1)}"


def alike(one: Sequence[Any], other: Sequence[Any]) -> int:
    """How many characters two texts have in common from their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
