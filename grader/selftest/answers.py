"""Makes mistakes in what a function returns, or in what it does with its arguments. The function itself is not changed.

Each mistake is a line that calls a function of inserted.py, and makes sense only for some kinds of values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grader.selftest.edits import AXIS, FACTOR, GENERAL, KINK, SIGN
from grader.selftest.survey import Function

CAST, STALE, DAMAGE, SPECIAL = "cast", "stale state", "in-place damage", "shape special case"
Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line at the end of a file: `operator` and `change` say what is wrong from then on."""

    operator: str
    change: str
    line: str


# What is wrong with an answer `v`, given the arrays `a`, the floats `g` and a state `s` of the function: for any
# number, for arrays, for arrays of two axes. The name is the change as the table shows it.
NUMBERS = (
    (FACTOR, "doubled", "v * 2"),
    (FACTOR, "halved", "v / 2"),
    (FACTOR, "a tenth too large", "v * 1.1"),
    (FACTOR, "too large by 1e-5 of it", "v * (1 + 1e-5)"),
    (SIGN, "negated", "-v"),
    (SIGN, "its absolute value", "abs(v)"),
    (GENERAL, "1 added", "v + 1"),
    (GENERAL, "1e-6 added", "v + 1e-6"),
    (GENERAL, "always 0", "v * 0"),
    (GENERAL, "not a number", "v * float('nan')"),
    (GENERAL, "infinite", "v + float('inf')"),
    (CAST, "rounded to 3 digits", "np.round(v, 3)"),
    (CAST, "float32", "np.float32(v)"),
    (CAST, "cut to whole numbers", "np.trunc(v)"),
    (KINK, "cut at 5", "np.clip(v, -5.0, 5.0)"),
    (KINK, "cut at 100", "np.clip(v, -100.0, 100.0)"),
    (KINK, "0 below 0.01", "np.where(abs(v) < 0.01, 0.0, v)"),
    (STALE, "the answer of the call before", "(s.get('v', v), s.update(v=v))[0]"),
    (STALE, "the first answer of all", "s.setdefault(np.shape(v), v)"),
    (STALE, "added up over calls", "s.setdefault('sum', {}).setdefault(np.shape(v), [0.0]).append(v) or "
                                   "sum(s['sum'][np.shape(v)])"),
    (STALE, "wrong in every third call", "v if s['calls'] % 3 else v * 1.5"),
)  # fmt: skip
ARRAYS = (
    (FACTOR, "multiplied by the length of the first array", "v * (len(a[0]) if a else 1)"),
    (FACTOR, "divided by the length of the first array", "v / (len(a[0]) if a else 1)"),
    (AXIS, "a row of it", "v[None]"),
    (AXIS, "flat", "v.reshape(-1, 1)"),
    (AXIS, "the other way round", "v[::-1]"),
    (GENERAL, "without its first entry", "v - v * (np.arange(v.size) == 0).reshape(v.shape)"),
    (GENERAL, "without its last entry", "v - v * (np.arange(v.size) == v.size - 1).reshape(v.shape)"),
    (STALE, "one array for all answers of a shape", "(s.setdefault(v.shape, np.empty_like(v)), "
                                                    "s[v.shape].__setitem__(Ellipsis, v))[0]"),
)  # fmt: skip
MATRICES = (
    (AXIS, "transposed", "v.T"),
    (AXIS, "its columns the other way round", "v[:, ::-1]"),
    (AXIS, "its sum over the first axis", "v.sum(axis=0)"),
    (AXIS, "its sum over the last axis in each place", "v * 0 + v.sum(axis=-1, keepdims=True)"),
)
# Wrong only if this holds for some array among the arguments.
CASES = (
    ("one row", "x.ndim == 2 and x.shape[0] == 1"),
    ("one column", "x.ndim == 2 and x.shape[1] == 1"),
    ("2 rows", "x.ndim == 2 and x.shape[0] == 2"),
    ("2 columns", "x.ndim == 2 and x.shape[1] == 2"),
    ("square", "x.ndim == 2 and 1 < x.shape[0] == x.shape[1]"),
    ("wider than long", "x.ndim == 2 and 1 < x.shape[0] < x.shape[1]"),
    ("longer than wide", "x.ndim == 2 and x.shape[0] > x.shape[1] > 1"),
    ("more than 16 columns", "x.ndim == 2 and x.shape[1] > 16"),
    ("more than 128 rows", "x.ndim == 2 and x.shape[0] > 128"),
    ("no entry below 0", "x.dtype.kind == 'f' and x.size > 1 and x.min() >= 0"),
    ("an entry beyond 20", "abs(x).max() > 20"),
    ("no entry beyond 20", "x.dtype.kind == 'f' and abs(x).max() <= 20"),
)
GIVEN = (
    (CAST, "float32", "{0}.astype('float32') if {0}.dtype.kind == 'f' else {0}"),
    (CAST, "cut to whole numbers", "{0}.astype(int)"),
    (KINK, "cut at 5", "{0}.clip(-5, 5)"),
    (STALE, "that of the first call of its shape", "s.setdefault({0}.shape, {0}.copy())"),
    (SIGN, "its absolute value", "abs({0})"),
)
# The same for some plain number among the arguments.
POINTS = (
    ("a number beyond 20", "abs(x) > 20"),
    ("no number beyond 20", "max(map(abs, g)) <= 20"),
    ("a negative number", "x < 0"),
    ("a whole number", "x == int(x) and type(x) is not int"),
)


def lines(function: Function, kept: Sequence[int]) -> Iterator[Line]:
    """Every mistake around one function. Students choose what the parts of its answer at the positions `kept` are, so
    only what is made of them can be wrong."""
    for path, kind in leaves(function.gives, (), kept):
        part = f"answer{''.join(f'[{at}]' for at in path)}"
        if kind == "t":
            yield Line(GENERAL, f"{part}: another text", answer(function, path, "v", texts=True))
            continue
        for operator, change, value in (*changes(kind), *cases(function)):
            yield Line(operator, f"{part}: {change}", answer(function, path, value))
    yield from of_arguments(function)


def answer(function: Function, path: Path, value: str, *, texts: bool = False) -> str:
    change = f"lambda v, a, g, s: {value.replace('np.', '_selftest_np.')}"
    return f"_selftest_answer(globals(), {function.inside!r}, {path!r}, {change}, {texts})"


def leaves(kind: Any, path: Path, kept: Sequence[int]) -> Iterator[tuple[Path, str]]:
    """Each number, array or dict in what a function gives, and its kind."""
    if isinstance(kind, list):
        for at, part in enumerate(kind):
            if path or at not in kept:
                yield from leaves(part, (*path, at), kept)
    elif kind != "n":
        yield path, kind


def changes(kind: str) -> Iterator[tuple[str, str, str]]:
    """What can be wrong with a value of a kind: see `_selftest_kinds`. A dict or an object may hold arrays."""
    axes = int(kind[1:] or 0) if kind[0] in "fi" else 1
    if kind[0] == "i":  # whole numbers, such as classes: what is wrong has to be one
        yield from ((GENERAL, "1 added", "v + 1"), (GENERAL, "always 0", "v * 0"))
    else:
        yield from NUMBERS
        yield from ARRAYS if axes and kind[0] == "f" else ()
        yield from MATRICES if axes > 1 else ()


def cases(function: Function) -> Iterator[tuple[str, str, str]]:
    """An answer that is wrong for some arguments only: for some arrays, alone or in tuples, if there are any; else for
    some numbers."""
    if any(kind[1:] or kind == "s" for kind in function.given):
        for name, holds in CASES:
            yield SPECIAL, f"wrong for {name}", f"v + 1 if any({holds} for x in a) else v"
    elif "f" in function.given:
        for name, holds in POINTS:
            yield SPECIAL, f"wrong for {name}", f"v + 1 if any({holds} for x in g) else v"


def of_arguments(function: Function) -> Iterator[Line]:
    names = [one.arg for one in function.node.args.args]
    for at, (name, kind) in enumerate(zip(names, function.given, strict=False)):
        inside = function.inside
        if kind[0] == "f" and kind[1:]:
            for operator, change, value in GIVEN:
                change_of = f"lambda a, s: a.__setitem__({at}, {value.format(f'a[{at}]')})"
                yield Line(operator, f"{name}: {change}", f"_selftest_given(globals(), {inside!r}, {change_of})")
        if kind[0] in "fs" and kind != "f" and name != "self":
            damage = f"lambda a, s: _selftest_damage(a[{at}], lambda x: x * 0.5)"
            line = f"_selftest_given(globals(), {inside!r}, {damage}, after=True)"
            yield Line(DAMAGE, f"{name}: halved in place", line)


def control(function: Function) -> str:
    """The line for an answer that is wrong in each number and text, and of the right kind throughout."""
    value = "v * 1.5 + 0.5 if 'int' not in str(getattr(v, 'dtype', type(v))) else v + 1"
    return answer(function, (), value, texts=True)


def silent(function: Function) -> str:
    """The line for a function that gives nothing where it should raise."""
    return f"_selftest_silent(globals(), {function.inside!r})"
