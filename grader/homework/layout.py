"""Finds, by shape, how a student's parameters() stores the two weights and the two biases.

The homework asks for a dict from names to W (inputs, outputs) and b (outputs,) of each layer. A network that stores
them differently loses points only in the check of the parameters. All other checks accept it as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.errors import Mismatch
from grader.measure.diagnose import describe, short_enough
from grader.measure.expect import is_stub

Array = NDArray[np.float64]
Key = str | int | tuple[Any, ...]  # a student's name for a parameter
Path = tuple[Key, ...]  # the keys that lead to a parameter, from the outermost container in

MOST_ARRAYS = 8
MOST_ENTRIES = 4_000_000
MOST_READINGS = 20_000
DEEPEST = 3


class Widths(NamedTuple):
    """The sizes of a network: D, H and C."""

    inputs: int
    hidden: int
    classes: int


@dataclass(frozen=True)
class Form:
    """One way to store a layer's weight w (i, o), its bias b (o,), or both in an array."""

    holds: tuple[str, ...]
    pack: Callable[[Array, Array], Array]
    unpack: Callable[[Array], tuple[Array, ...]]
    fault: str = ""  # its name in a message, if it is not the form that was asked for


WEIGHT, BIAS = "weight", "bias"
PLAIN_WEIGHT = Form((WEIGHT,), lambda w, b: w, lambda a: (a,))
PLAIN_BIAS = Form((BIAS,), lambda w, b: b, lambda a: (a,))
ALONE = (PLAIN_WEIGHT, Form((WEIGHT,), lambda w, b: w.T, lambda a: (a.T,), "transposed, (outputs, inputs)"))
TOGETHER = (
    Form((WEIGHT, BIAS), lambda w, b: np.vstack([w, b]), lambda a: (a[:-1], a[-1]), "one matrix with its bias"),
    Form((BIAS, WEIGHT), lambda w, b: np.vstack([b, w]), lambda a: (a[0], a[1:]), "one matrix with its bias"),
    Form((WEIGHT, BIAS), lambda w, b: np.c_[w.T, b], lambda a: (a[:, :-1].T, a[:, -1]), "one matrix with its bias"),
    Form((BIAS, WEIGHT), lambda w, b: np.c_[b, w.T], lambda a: (a[:, 0], a[:, 1:].T), "one matrix with its bias"),
)
BIASES = (
    PLAIN_BIAS,
    Form((BIAS,), lambda w, b: b[None], lambda a: (a.reshape(-1) if a.shape[0] == 1 or a.ndim == 1 else a,), "row"),
    Form((BIAS,), lambda w, b: b[:, None], lambda a: (a[:, 0] if a.ndim == 2 and a.shape[1] == 1 else a,), "column"),
)


@dataclass(frozen=True)
class Slot:
    """One array of the student's: its path, its layer and its form."""

    path: Path
    layer: int
    form: Form
    shape: tuple[int, ...]

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple(f"{part}{self.layer}" for part in self.form.holds)


Plan = tuple[tuple[Path, int, Form], ...]  # where each array lies, its layer and its form: the same for any sizes


@dataclass(frozen=True)
class Layout:
    """All arrays of a network. Roles are weight1, bias1, weight2 and bias2."""

    widths: Widths
    slots: tuple[Slot, ...]

    @property
    def plan(self) -> Plan:
        return tuple((slot.path, slot.layer, slot.form) for slot in self.slots)

    def is_in_order(self, parameters: Any) -> bool:
        """Whether `parameters` hold the first layer's weight before the second's, and so with the biases."""
        places = {path: at for at, (path, _) in enumerate(entries(parameters))}
        return all(places[self.slot(f"{part}1").path] <= places[self.slot(f"{part}2").path] for part in (WEIGHT, BIAS))

    def slot(self, role: str) -> Slot:
        return next(slot for slot in self.slots if role in slot.roles)

    def shown(self, role: str) -> str:
        """The student's name for the array that holds `role`, shortened."""
        return shown(self.slot(role).path)

    def pack(self, values: Mapping[str, Array]) -> Any:
        """The values to write into parameters(), nested in the same way; `values` has every role."""
        tree: dict[Key, Any] = {}
        for slot in self.slots:
            inner = tree
            for key in slot.path[:-1]:
                inner = inner.setdefault(key, {})
            weight, bias = values[f"weight{slot.layer}"], values[f"bias{slot.layer}"]
            inner[slot.path[-1]] = np.ascontiguousarray(slot.form.pack(weight, bias))
        return tree

    def read(self, parameters: Any) -> dict[str, Any] | None:
        """role -> array that parameters() or a gradient dict holds at the same paths; None if one is missing.

        An array of another shape is returned as it is; a later comparison reports it.
        """
        there = dict(entries(parameters))
        if any(slot.path not in there for slot in self.slots):
            return None
        found: dict[str, Any] = {}
        for slot in self.slots:
            value = there[slot.path]
            fits = isinstance(value, np.ndarray) and (value.shape == slot.shape or slot.form in BIASES[1:])
            parts = slot.form.unpack(value) if fits and value.ndim else (value,) * len(slot.roles)
            found |= dict(zip(slot.roles, parts, strict=True))
        return found

    def faults(self, asked: Widths, parameters: Any) -> list[str]:
        """What differs from what was asked for, each as a clause."""
        found = list(wrong_widths(self.widths, asked))
        if not isinstance(parameters, dict):
            found.append(f"parameters() is a {type(parameters).__name__}; expected a dict from names to arrays")
        elif any(len(slot.path) > 1 for slot in self.slots):
            found.append("parameters() is nested; expected one dict from names to arrays")
        for slot in self.slots:
            name, n = shown(slot.path), self.widths[slot.layer]
            if slot.form in BIASES[1:]:
                found.append(f"the bias is a {slot.form.fault} {slot.shape}, expected {(n,)} ({name})")
            elif slot.form.fault:
                expected = (self.widths[slot.layer - 1], n)
                found.append(f"the weight {name} of shape {slot.shape} is {slot.form.fault}; expected {expected}")
        count = len(dict(entries(parameters)))
        if count != len(self.slots):
            found.append(f"parameters() holds {count} entries; expected two weights and two biases")
        return found


@lru_cache(maxsize=256)
def planned(plan: Plan, widths: Widths) -> Layout:
    """The layout of a network of other sizes that is built in the same way."""
    shapes = {at: (np.zeros(widths[at - 1 : at + 1]), np.zeros(widths[at])) for at in (1, 2)}
    slots = (Slot(path, layer, form, form.pack(*shapes[layer]).shape) for path, layer, form in plan)
    return Layout(widths, tuple(slots))


def wrong_widths(built: Widths, asked: Widths) -> Iterator[str]:
    if built == asked:
        return
    if built == asked._replace(hidden=asked.classes, classes=asked.hidden):
        yield "are num_classes and hidden_dim exchanged?"
        return
    names = (("input_dim", "inputs"), ("hidden_dim", "units"), ("num_classes", "classes"))
    for (argument, what), there, wanted in zip(names, built, asked, strict=True):
        if there != wanted:
            yield f"is {argument} ignored? the network has {there} {what}, expected {wanted}"


def shown(path: Path) -> str:
    """A student's name for a parameter, shortened."""
    cut = [key[:30] if isinstance(key, str) else key for key in path]
    return repr(cut[0]) if len(cut) == 1 else repr("/".join(map(str, cut))[:60])


def entries(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every entry of nested dicts, lists and tuples, with its path."""
    if len(path) < DEEPEST and isinstance(value, dict | list | tuple):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from entries(part, (*path, key))
    elif path:
        yield path, value


def arrays_of(parameters: Any) -> list[tuple[Path, Array]]:
    return [(path, one) for path, one in entries(parameters) if isinstance(one, np.ndarray) and one.dtype.kind == "f"]


def layouts(parameters: Any, asked: Widths) -> list[Layout]:
    """The layouts that the shapes allow and that are nearest to the requested sizes; the most usual one first. There
    are several if the shapes do not decide."""
    arrays = arrays_of(parameters)
    if not arrays or len(arrays) > MOST_ARRAYS or sum(array.size for _, array in arrays) > MOST_ENTRIES:
        return []
    return list(possible(tuple((path, array.shape) for path, array in arrays), asked))


@lru_cache(maxsize=256)
def possible(shapes: tuple[tuple[Path, tuple[int, ...]], ...], asked: Widths) -> tuple[Layout, ...]:
    """The same for arrays of these shapes; a class asks about few."""
    arrays = [(path, np.broadcast_to(0.0, shape)) for path, shape in shapes]
    # Sizes other than asked, and one matrix with its bias: such a reading explains anything, as a bias that is missing.
    found = [
        one
        for one in islice(readings(arrays), MOST_READINGS)
        if one.widths == asked or all(slot.form not in TOGETHER for slot in one.slots)
    ]
    if not found:
        return ()
    most = max(len(one.slots) for one in found)
    using = [one for one in found if len(one.slots) == most or len(arrays) > most]
    nearest = min(distance(one.widths, asked) for one in using)
    near = [one for one in using if distance(one.widths, asked) == nearest]
    return tuple(sorted(near, key=lambda one: sum(bool(slot.form.fault) for slot in one.slots)))


def distance(built: Widths, asked: Widths) -> int:
    """How many sizes differ from the requested ones; two exchanged sizes count as one."""
    exchanged = built == asked._replace(hidden=asked.classes, classes=asked.hidden)
    return int(built != asked) if exchanged else sum(a != b for a, b in zip(built, asked, strict=True))


def readings(arrays: Sequence[tuple[Path, Array]]) -> Iterator[Layout]:
    """Yield every way to read the arrays as two consecutive layers."""
    for first, inputs, hidden in layers(arrays, 1):
        taken = [slot.path for slot in first]
        rest = [(path, array) for path, array in arrays if path not in taken]
        for second, width, classes in layers(rest, 2):
            if width == hidden:
                yield Layout(Widths(inputs, hidden, classes), (*first, *second))


def layers(arrays: Sequence[tuple[Path, Array]], layer: int) -> Iterator[tuple[tuple[Slot, ...], int, int]]:
    """Yield every way to read the arrays as one layer: its slots, and its numbers of inputs and outputs."""
    for path, array in arrays:
        if array.ndim != 2 or not array.size:
            continue
        for form in (*ALONE, *TOGETHER):
            parts = dict(zip(form.holds, form.unpack(array), strict=True))
            n, m = parts[WEIGHT].shape
            if form in TOGETHER:
                if n:
                    yield (Slot(path, layer, form, array.shape),), n, m
                continue
            for other, bias in arrays:
                held = next((one for one in BIASES if bias.shape == one.pack(array, np.zeros(m)).shape), None)
                if other != path and held is not None:
                    yield (Slot(path, layer, form, array.shape), Slot(other, layer, held, bias.shape)), n, m


def expect_as_asked(parameters: Any, asked: Widths, net: str) -> Layout:
    """The layout, if it is as asked. Otherwise raises Mismatch, which says how it differs; `net` is the call that made
    the network."""
    if is_stub(parameters) or not isinstance(parameters, dict | list | tuple):
        raise Mismatch(
            "parameters() should return a dict from names to arrays; a name is a string, a number or a tuple of these"
        )
    for path, one in entries(parameters):
        if not isinstance(one, np.ndarray) or one.dtype.kind != "f":
            raise Mismatch(f"parameters()[{shown(path)}] should be a numpy array of floats, but it is {describe(one)}")
    shapes = [str(array.shape) for _, array in arrays_of(parameters)]
    have = ", ".join(sorted(shapes))[:200] or "none"
    possible = layouts(parameters, asked)
    if not possible:
        wanted = [str(shape) for shape in ((asked[0], asked[1]), (asked[1],), (asked[1], asked[2]), (asked[2],))]
        lacking, others = Counter(wanted) - Counter(shapes), Counter(shapes) - Counter(wanted)
        told = f"it holds {have}" if others else f"{', '.join(lacking.elements())} missing"
        raise Mismatch(f"{net} should hold the shapes {', '.join(wanted)}; {told}")
    faults = possible[0].faults(asked, parameters)
    if faults:
        every, first, there = "; ".join(faults)[:300], faults[0], f"; its shapes are {have}"
        some = (f"{every}{there}", every, f"{first}{there}", first)
        raise Mismatch(short_enough([f"{net} is not built as asked: {one}" for one in some]))
    return possible[0]
